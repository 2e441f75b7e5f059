"""Comprehensions: their translation into loops of ours, which count what they do.

A loop is a call of `Iterations.each` with its body as a function of the element:

    [x.sku for x in items if x.qty < 0]
    listed(each(None, 1, lambda x_s, v_x: ((sku(v_x), ) if less(qty(v_x), 0) else ()), v_items))

`x_s` is what the loops of one evaluation may still do together; the outermost begins with None.
"""

from __future__ import annotations

from pyrometer.agent.syntax import kind_of
from pyrometer.agent.terms import Term
from pyrometer.link.errors import ExpressionRejected
from pyrometer.link.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyrometer.agent.translation import Translator

MAX_TARGETS = 4
"""Names that one element is taken apart into."""
VIEWS = {"items": "pairs", "keys": "keys", "values": "values"}
"""Methods of dictionaries that are looked through, and the operations that do."""
_RESULTS = {"ListComp": "listed", "SetComp": "gathered", "DictComp": "mapped"}


class Scope(NamedTuple):
    """What comprehensions bind around a part of an expression."""

    names: tuple[str, ...] = ()
    later: tuple[str, ...] = ()
    """Names that are bound further on: here they have no value, even where there are variables of that name."""
    is_loop: bool = False
    """Whether the part is the body of a comprehension."""

    def inner(self, names: list[str], later: list[str]) -> Scope:
        """That of a body in which these names are bound, and others later."""
        waiting = tuple([name for name in (*self.later, *later) if name not in names])
        return Scope((*self.names, *names), waiting, is_loop=True)


def comprehension(translator: Translator, node: Any) -> Term:
    """Translate a comprehension that gives a list, a set or a dictionary."""
    return Term(translator.call(_RESULTS[kind_of(node)], loop(translator, node)))


def loop(translator: Translator, node: Any) -> str:
    """The source of what gives the elements of a comprehension, or of a generator, one after the other."""
    return _loop(translator, node, list(node.generators), is_inner=translator.scope.is_loop)


def iterable(translator: Translator, node: Any) -> Term:
    """Translate what is looked through: beside values there are `d.items()`, `d.keys()` and `d.values()`."""
    is_call = kind_of(node) == "Call" and kind_of(node.func) == "Attribute"
    if is_call and node.func.attr in VIEWS and not node.args and not node.keywords:
        owner = translator.value(node.func.value)
        return Term(translator.call(VIEWS[node.func.attr], owner.source))
    return translator.value(node)


def _loop(translator: Translator, node: Any, generators: list[Any], *, is_inner: bool) -> str:
    if not generators:
        return _element(translator, node)
    first, *rest = generators
    if first.is_async:
        raise ExpressionRejected(
            "an asynchronous comprehension would run the service's code", next="Read what is stored."
        )
    over = iterable(translator, first.iter).source
    names = _targets(first.target)
    around = translator.scope
    translator.scope = around.inner(names, [name for each in rest for name in _targets(each.target)])
    for name in names:
        translator.check_word(name)
    tests = [translator.truth(test) for test in first.ifs]
    body = _loop(translator, node, rest, is_inner=True)
    translator.scope = around
    if tests:
        body = f"({body} if {' and '.join(tests)} else ())"
    parameters = ", ".join(["x_s", *[f"v_{name}" for name in names]])
    steps = "x_s" if is_inner else "None"
    size = len(names) if kind_of(first.target) == "Tuple" else 0
    return translator.call("each", steps, str(size), f"lambda {parameters}: {body}", over)


def _element(translator: Translator, node: Any) -> str:
    if kind_of(node) == "DictComp":
        key, value = translator.value(node.key), translator.value(node.value)
        return f"(({key.source}, {value.source}), )"
    return f"({translator.value(node.elt).source}, )"


def _targets(target: Any) -> list[str]:
    """The names that an element is bound to."""
    parts = target.elts if kind_of(target) == "Tuple" else [target]
    names = [part.id for part in parts if kind_of(part) == "Name"]
    if len(names) != len(parts) or not 0 < len(set(names)) == len(names) <= MAX_TARGETS:
        raise ExpressionRejected(
            f"an element of a comprehension is bound to a name, or to at most {MAX_TARGETS} different ones",
            next="Write one like: [item.sku for item in items], [v for k, v in d.items()]",
        )
    return names
