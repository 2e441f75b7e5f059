"""Expressions: conditions, and values to show, compiled once and run without running any of the service's code.

`compile_expression` refuses what can't be run so, in words and with what to write instead. What shows only in the
values (a property, an overloaded operator, a missing key) is an `EvaluationError` at the hit.
"""

from __future__ import annotations

from itertools import count

from pyrometer.agent.comparisons import Withheld
from pyrometer.agent.iterations import Iterations
from pyrometer.agent.kinds import EvaluationError
from pyrometer.agent.syntax import parse
from pyrometer.agent.translation import SHARED, Translator
from pyrometer.agent.values import REDACTED, Redacted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from pyrometer.agent.comparisons import Withholder

    _Run = Callable[[Callable[[str], object]], object]

__all__ = ["EvaluationError", "Expression", "Withheld", "compile_expression"]

_serial = count()


class Expression:
    """A compiled expression. Made by `compile_expression`; never changes; may be run by many threads at once.

    Attributes:
        text: as it was written.
        names: the names that it reads from a frame, in the order of their appearance.
        source: a Python expression over variables named `v_` and the name; of a condition, exactly True or False. Run,
            it raises EvaluationError, and NameError where it reads a variable that is not bound.
        namespace: what `source` names beside them. Those of several expressions can be merged.
    """

    __slots__ = ("_run", "_true", "names", "namespace", "source", "text")

    def __init__(self, text: str, names: tuple[str, ...], source: str, namespace: dict[str, Any], true: Any) -> None:
        self.text = text
        self.names = names
        self.source = source
        self.namespace = namespace
        self._true: Callable[[object], bool] = true
        self._run = _function(names, source, namespace)

    def evaluate(self, lookup: Callable[[str], object]) -> object:
        """The value, or a `values.Redacted` where it reads something that is withheld: `REDACTED` if by its name.

        Args:
            lookup: gives the value of a name, or raises EvaluationError.

        Raises:
            EvaluationError: it has no value here, or none without running the service's code.
        """
        try:
            return self._value(lookup)
        except Withheld as error:
            return REDACTED if error.mark == REDACTED.why else Redacted(error.mark)

    def test(self, lookup: Callable[[str], object]) -> bool:
        """Whether it holds.

        Raises:
            EvaluationError: it has no value here, or reads something that is withheld.
        """
        return self._true(self._value(lookup))

    def _value(self, lookup: Callable[[str], object]) -> object:
        try:
            return self._run(lookup)
        except NameError:
            for name in self.names:
                lookup(name)  # the one that is missing says why
            raise


def compile_expression(text: str, redactor: Withholder, *, condition: bool = False) -> Expression:
    """Check and compile an expression.

    Args:
        text: Python's syntax; what of it is taken, `translation` says.
        redactor: decides what is withheld, now by name and at each run by value.
        condition: only its truth is asked. Reading what is withheld by its name is refused, and comparing with a text
            that is withheld by its value is simply false where it tells nothing of it.

    Raises:
        ExpressionRejected: the language lacks something that it uses, or it is too large.
        RedactedName: it is a condition and reads what is withheld.
    """
    prefix = f"e{next(_serial)}_"
    translator = Translator(text, redactor, prefix, condition=condition)
    tree = parse(text)
    source = translator.truth(tree) if condition else translator.value(tree).source
    if translator.withheld:
        source = f"{prefix}withhold({translator.withheld!r})"
        translator.methods.add("withhold")
    operations = Iterations(redactor, strict=not condition)
    operations.share(translator.reads, translator.looks, translator.walks)
    helpers = {prefix + method: getattr(operations, method) for method in translator.methods}
    names = () if translator.withheld else tuple(translator.names)
    return Expression(text, names, source, {**SHARED, **translator.readers, **helpers}, operations.true)


def _function(
    names: tuple[str, ...], source: str, namespace: dict[str, Any]
) -> Callable[[Callable[[str], object]], Any]:
    """Make a function of `lookup` that gives the source's value.

    A name without a value stays unbound: the source may not come to it.
    """
    lines = ["def run(lookup):"]
    for name in names:
        lines += [f" try: v_{name} = lookup({name!r})", " except EvaluationError: pass"]
    lines.append(f" return {source}")
    place = {"__name__": __name__, "__builtins__": {"EvaluationError": EvaluationError}, **namespace}
    exec(compile("\n".join(lines), "<pyrometer expression>", "exec", dont_inherit=True), place)  # noqa: S102
    function: _Run = place.pop("run")
    return function
