"""The language: from the tree of an expression to the source of what is run in its place.

Every node becomes Python text over variables `v_NAME` that calls our own operations; nothing in it looks anything up by
itself. What the language lacks is refused here, with what to write instead. In a condition, comparing with a constant
is written out for the exact builtin types, so that one that is false costs next to nothing.
"""

from __future__ import annotations

from pyrometer.agent import comprehensions
from pyrometer.agent.attributes import attribute_reader
from pyrometer.agent.conversions import KINDS
from pyrometer.agent.mappings import ABSENT
from pyrometer.agent.syntax import kind_of
from pyrometer.agent.templates import is_plain_spec
from pyrometer.agent.terms import Term, constant_term, guards_of
from pyrometer.agent.vocabulary import (
    BINARY,
    COMPARISONS,
    FUNCTIONS,
    INTERNALS,
    LACKS,
    LOOKING,
    LOOPING,
    METHODS,
    SIGNS,
    WALKING,
    Operation,
)
from pyrometer.link.errors import ExpressionRejected, RedactedName

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from pyrometer.agent.comparisons import Withholder

MAX_NODES = 64
MAX_HOPS = 8
"""Attributes one behind the other."""
SHARED = {"x_type": type, "x_int": int, "x_float": float, "x_str": str, "x_none": type(None), "x_kinds": KINDS}
"""What the sources of all expressions name."""


class Translator:
    """Translates one expression.

    Args:
        text: what was written, for messages.
        prefix: what the names of this expression's own helpers begin with.
        condition: refuse what is withheld by its name instead of noting it.
    """

    def __init__(self, text: str, redactor: Withholder, prefix: str, *, condition: bool) -> None:
        self._text = text.strip(" \t")
        self._redactor = redactor
        self._prefix = prefix
        self._condition = condition
        self._what = "a condition" if condition else "an expression"
        self._nodes = 0
        self._temporaries = 0
        self.reads = 0
        """Values that the source reads from the service and looks at by themselves."""
        self.looks = 0
        """Operations in the source that look into texts."""
        self.walks = 0
        """Operations in the source that look through containers."""
        self.names: list[str] = []
        """Root names in the order of their appearance."""
        self.methods: set[str] = set()
        """Methods of `Operations` that the source calls, under its prefix."""
        self.readers: dict[str, Callable[[object], object]] = {}
        """What reads its attributes, by the name in the source."""
        self.withheld = ""
        """What of it is withheld, in words; empty: nothing."""
        self.scope = comprehensions.Scope()
        """What the comprehensions around the present part bind."""

    def value(self, node: Any) -> Term:
        """Translate a part whose value matters.

        Raises:
            ExpressionRejected: the language lacks it.
            RedactedName: a condition reads what is withheld.
        """
        self._count()
        translate = _TRANSLATIONS.get(kind_of(node))
        if translate is None:
            what, instead = LACKS.get(kind_of(node), ("this", "Read what is stored, and compare it."))
            raise ExpressionRejected(f"{what} can't be part of {self._what}", next=instead)
        return translate(self, node)

    def _count(self) -> None:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise ExpressionRejected(f"the expression has more than {MAX_NODES} parts", next="Write a shorter one.")

    def truth(self, node: Any) -> str:
        """Translate a part of which only the truth matters; the source gives exactly True or False."""
        if kind_of(node) == "BoolOp":
            self._nodes += 1
            word = " and " if kind_of(node.op) == "And" else " or "
            return f"({word.join([self.truth(part) for part in node.values])})"
        return self._truth_of(self.value(node))

    def _truth_of(self, term: Term) -> str:
        if term.is_bool:
            return term.source
        if term.constant is not ABSENT:
            return str(bool(term.constant))
        slow = self.call("true", term.source)
        if term.is_name:
            return f"({term.source} is True or {term.source} is not False and {slow})"
        return slow

    def call(self, method: str, *sources: str, walks: bool = True) -> str:
        """The source of a call of an operation."""
        self.methods.add(method)
        self.looks += method in LOOKING
        self.walks += walks and method in WALKING
        return f"{self._prefix}{method}({', '.join(sources)})"

    def _read(self, source: str, *, is_name: bool = False) -> Term:
        """A value that comes from the service. An expression's result must not depend on a withheld one at all."""
        if self._condition:
            return Term(source, is_name=is_name)
        self.reads += 1
        return Term(self.call("seen", source))

    def _temporary(self) -> str:
        self._temporaries += 1
        return f"{self._prefix}t{self._temporaries}"

    def _withhold(self, what: str) -> None:
        """Note that something withheld is read; a condition over it is refused."""
        if self._condition:
            raise RedactedName(
                f"a condition may not read {what}: it is redacted",
                next="Use another value; its owner decides on this one.",
            )
        self.withheld = self.withheld or f"it reads {what}, which is redacted"

    def _written(self, node: Any) -> str:
        """What was written for a part, shortened."""
        line = self._text.encode()
        written = line[node.col_offset : node.end_col_offset].decode(errors="replace")
        return written if len(written) <= 40 else written[:37] + "…"

    def _name(self, node: Any) -> Term:
        name = node.id
        self.check_word(name)
        if self._redactor.name(name):
            self._withhold(name)
        if name in self.scope.later:
            raise ExpressionRejected(
                f"{name} is read before the comprehension binds it", next="Give it another name there."
            )
        if name not in self.names and name not in self.scope.names:
            self.names.append(name)
        return self._read(f"v_{name}", is_name=True)

    def check_word(self, word: str) -> None:
        """Refuse a name that leads into the interpreter."""
        if word[:2] == "__" and word[-2:] == "__":
            raise ExpressionRejected(
                f"{word} is of the interpreter's own; {self._what} may not read it",
                next="Read what the service itself stores.",
            )
        if word[:2] == "__":
            raise ExpressionRejected(
                f"{word} is private to its class and stored under another name",
                next=f"Write the name of the class before it: _CLASS{word}",
            )
        if word in INTERNALS:
            raise ExpressionRejected(
                f"{word} leads into the interpreter; {self._what} may not read it",
                next="Read what the service itself stores.",
            )

    def _constant(self, node: Any) -> Term:
        constant = node.value
        if type(constant) is complex or constant is Ellipsis:
            raise ExpressionRejected(
                f"{self._written(node)} can't be part of {self._what}", next="Use whole or decimal numbers."
            )
        if type(constant) in (str, bytes):
            shown = constant if type(constant) is str else constant.decode("latin-1")
            if self._redactor.secret_in(shown):
                self._withhold("a text that has the form of a secret")
        elif type(constant) is int and self._redactor.secret_number(constant):
            self._withhold("a number that has the form of a secret")
        return constant_term(constant)

    def _attribute(self, node: Any) -> Term:
        hops, base = 1, node.value
        while kind_of(base) == "Attribute":
            hops, base = hops + 1, base.value
        if hops > MAX_HOPS:
            raise ExpressionRejected(
                f"more than {MAX_HOPS} attributes one behind the other", next="Start nearer to the value."
            )
        self.check_word(node.attr)
        owner = self.value(node.value)
        if self._redactor.name(node.attr):
            self._withhold(self._written(node))
        reader = f"{self._prefix}a{len(self.readers)}"
        self.readers[reader] = attribute_reader(node.attr)
        return self._read(f"{reader}({owner.source})")

    def _subscript(self, node: Any) -> Term:
        owner = self.value(node.value)
        if kind_of(node.slice) == "Slice":
            ends = [node.slice.lower, node.slice.upper, node.slice.step]
            sources = ["None" if end is None else self.value(end).source for end in ends]
            return self._read(self.call("cut", owner.source, *sources))
        key = self.value(node.slice)
        method = self._by_key("item", key, node)
        return self._read(self.call(method, owner.source, key.source))

    def _by_key(self, method: str, key: Term, node: Any) -> str:
        """The form of a look-up: the name of a constant key is checked now, any other one when it is known."""
        if key.constant is ABSENT:
            return f"named_{method}"
        if type(key.constant) in (str, bytes):
            name = key.constant if type(key.constant) is str else key.constant.decode("latin-1")  # type: ignore[attr-defined]
            if self._redactor.name(name):
                self._withhold(self._written(node))
        return method

    def _call_node(self, node: Any) -> Term:
        func = node.func
        if node.keywords or any([kind_of(argument) == "Starred" for argument in node.args]):
            raise ExpressionRejected(
                f"{self._what} takes only plain arguments", next="Write them without names and stars."
            )
        if kind_of(func) == "Name" and func.id in FUNCTIONS:
            self._check_arguments(func.id, FUNCTIONS[func.id], node.args)
            return self._function(func.id, node.args)
        if kind_of(func) == "Attribute" and func.attr in METHODS:
            self._check_arguments(func.attr, METHODS[func.attr], node.args)
            return self._method(node, func)
        if kind_of(func) == "Attribute" and func.attr in comprehensions.VIEWS:
            raise ExpressionRejected(
                f".{func.attr}() by itself can't be part of {self._what}",
                next="Write what to do with each: [v for k, v in d.items()], sum(d.values())",
            )
        name = (
            func.attr if kind_of(func) == "Attribute" else func.id if kind_of(func) == "Name" else self._written(func)
        )
        owner = self._written(func.value) if kind_of(func) == "Attribute" else ""
        instead = (
            f"{owner}.NAME, len({owner}.NAME), {owner}['KEY']"
            if owner
            else ", ".join([f"{name}()" for name in FUNCTIONS])
        )
        raise ExpressionRejected(
            f"{self._what} may not call {name}(): it would run the service's code",
            next=f"Read what is stored instead: {instead}" if owner else f"What it may call: {instead}",
        )

    def _check_arguments(self, name: str, operation: Operation, arguments: list[Any]) -> None:
        if not operation.least <= len(arguments) <= operation.most:
            wanted = (
                f"{operation.least}" if operation.least == operation.most else f"{operation.least} to {operation.most}"
            )
            raise ExpressionRejected(
                f"{name}() takes {wanted} arguments here, not {len(arguments)}", next="Write them all."
            )

    def _function(self, name: str, arguments: list[Any]) -> Term:
        is_bool = name in ("any", "all", "isinstance")
        if name in LOOPING and len(arguments) == 1:
            if kind_of(arguments[0]) != "GeneratorExp":
                return Term(
                    self.call(FUNCTIONS[name].method, comprehensions.iterable(self, arguments[0]).source), is_bool
                )
            self._count()
            loop = comprehensions.loop(self, arguments[0])
            return Term(self.call(LOOPING[name], loop if is_bool else self.call("listed", loop)), is_bool)
        if name == "isinstance":
            sources = [self.value(arguments[0]).source, self._kind(arguments[1]).source]
        else:
            sources = [self.value(argument).source for argument in arguments]
        return Term(self.call(FUNCTIONS[name].method, *sources), is_bool)

    def _kind(self, node: Any) -> Term:
        """Translate a part where a class is asked for, or a tuple of them: there `int` is Python's own."""
        if kind_of(node) == "Name" and node.id in KINDS and node.id not in self.scope.names:
            return Term(f"x_kinds[{node.id!r}]")
        if kind_of(node) in ("Tuple", "List"):
            inner = "".join([f"{self._kind(part).source}, " for part in node.elts])
            return Term(f"({inner})" if kind_of(node) == "Tuple" else f"[{inner}]", is_display=True)
        return self.value(node)

    def _method(self, node: Any, func: Any) -> Term:
        owner = self.value(func.value)
        arguments = [self.value(argument) for argument in node.args]
        method = METHODS[func.attr].method
        if method == "get":
            method = self._by_key("get", arguments[0], node)
        sources = [argument.source for argument in arguments]
        if func.attr in ("startswith", "endswith") and arguments[0].is_display:
            sources.append("given=True")
        call = self.call(method, owner.source, *sources)
        if func.attr in ("startswith", "endswith"):
            return Term(call, is_bool=True)
        return self._read(call) if func.attr == "get" else Term(call)

    def _bool_op(self, node: Any) -> Term:
        """`a or b` gives one of them: the first of them is kept while its truth is looked at."""
        is_and = kind_of(node.op) == "And"
        terms = [self.value(part) for part in node.values]
        if all([term.is_bool for term in terms]):
            return Term(f"({(' and ' if is_and else ' or ').join([term.source for term in terms])})", is_bool=True)
        result = terms[-1].source
        for term in reversed(terms[:-1]):
            kept = self._temporary()
            test = self.call("true", f"({kept} := {term.source})")
            result = f"({result} if {test} else {kept})" if is_and else f"({kept} if {test} else {result})"
        return Term(result)

    def _unary_op(self, node: Any) -> Term:
        if kind_of(node.op) == "Not":
            return Term(f"(not {self.truth(node.operand)})", is_bool=True)
        if kind_of(node.op) == "Invert":
            raise ExpressionRejected(
                f"~ can't be part of {self._what}", next="Write `not` for the opposite of a truth."
            )
        term = self.value(node.operand)
        is_minus = kind_of(node.op) == "USub"
        if type(term.constant) in (int, float):
            return constant_term(-term.constant if is_minus else term.constant)  # type: ignore[operator]
        return Term(self.call("negative" if is_minus else "positive", term.source))

    def _bin_op(self, node: Any) -> Term:
        sign = SIGNS.get(kind_of(node.op), "")
        if sign not in BINARY:
            raise ExpressionRejected(
                f"the operator in {self._written(node)} can't be part of {self._what}",
                next=f"Operators that can: {' '.join(BINARY)}",
            )
        left, right = self.value(node.left), self.value(node.right)
        return Term(self.call(BINARY[sign], left.source, right.source))

    def _if_exp(self, node: Any) -> Term:
        body = self.value(node.body)
        test = self.truth(node.test)
        other = self.value(node.orelse)
        return Term(f"({body.source} if {test} else {other.source})", is_bool=body.is_bool and other.is_bool)

    def _f_string(self, node: Any) -> Term:
        """Each field is made a text by an operation: formats are the interpreter's own, of its own types."""
        sources = []
        for part in node.values:
            if kind_of(part) == "FormattedValue":
                sources.append(self._field(part))
            else:
                sources.append(self.value(part).source)
        return Term(self.call("joined", *sources))

    def _field(self, node: Any) -> str:
        self._count()
        spec = "".join([str(part.value) for part in node.format_spec.values]) if node.format_spec else ""
        conversion = {ord("r"): "r", ord("s"): "s", -1: ""}.get(node.conversion)
        if conversion is None or not is_plain_spec(spec):  # the scan has refused it already
            raise ExpressionRejected(f"a format can't be part of {self._what}", next="Write one like >10 or .2f.")
        return self.call("formatted", self.value(node.value).source, repr(conversion), repr(spec))

    def _sequence(self, node: Any) -> Term:
        terms = [self.value(part) for part in node.elts]
        inner = "".join([f"{term.source}, " for term in terms])
        is_list = kind_of(node) == "List"
        source = f"[{inner}]" if is_list else f"({inner})"
        constants = [term.constant for term in terms]
        if any([constant is ABSENT for constant in constants]):
            return Term(source, is_display=True)
        return Term(source, constant=constants if is_list else tuple(constants), is_display=True)

    def _set(self, node: Any) -> Term:
        constants = [self.value(part).constant for part in node.elts]
        self._check_hashed(constants)
        return Term(f"{{{', '.join([constant_term(constant).source for constant in constants])}}}", is_display=True)

    def _dict(self, node: Any) -> Term:
        keys = [Term("") if key is None else self.value(key) for key in node.keys]
        self._check_hashed([key.constant for key in keys])
        entries = []
        for key, value in zip(keys, node.values, strict=True):
            self._by_key("item", key, node)
            entries.append(f"{key.source}: {self.value(value).source}")
        return Term(f"{{{', '.join(entries)}}}")

    def _check_hashed(self, constants: list[object]) -> None:
        """Elements of a set and keys: constants, and not texts beside bytes, which Python may warn of."""
        kinds = [type(constant) for constant in constants]
        if any([kind not in _SCALARS for kind in kinds]) or (str in kinds and bytes in kinds):
            raise ExpressionRejected(
                "what a set or a dictionary has is looked up by constants only", next="Write a list instead."
            )

    def _compare(self, node: Any) -> Term:
        """`a < b < c` is `a < b and b < c` with b read once."""
        translate = self._kind if any(map(_is_type_call, (node.left, *node.comparators))) else self.value
        left = translate(node.left)
        parts = []
        for index, (op, right_node) in enumerate(zip(node.ops, node.comparators, strict=True)):
            right = translate(right_node)
            shared = right
            if index < len(node.ops) - 1 and right.constant is ABSENT and not right.is_name:
                kept = self._temporary()
                right, shared = Term(f"({kept} := {right.source})"), Term(kept, is_name=True)
            parts.append(self._pair(left, SIGNS[kind_of(op)], right))
            left = shared
        return Term(parts[0] if len(parts) == 1 else f"({' and '.join(parts)})", is_bool=True)

    def _pair(self, left: Term, sign: str, right: Term) -> str:
        if sign in ("is", "is not"):
            for term in (left, right):
                if term.constant is not ABSENT and type(term.constant) not in (bool, type(None)):
                    raise ExpressionRejected(
                        f"`{sign}` compares identities, not values", next="Write == or != for values."
                    )
            return f"({left.source} {sign} {right.source})"
        given = ["given=True"] if right.is_display and sign in ("in", "not in") else []
        quick = self._quick(left, sign, right) if self._condition else ""
        # A constant is equal to its like alone: what it is compared with is not looked through.
        walks = right.constant is ABSENT and (left.constant is ABSENT or sign in ("in", "not in"))
        return quick or self.call(COMPARISONS[sign], left.source, right.source, *given, walks=walks)

    def _quick(self, left: Term, sign: str, right: Term) -> str:
        """A comparison with a constant, written out for values of its exact type; empty where it can't be."""
        term, constant = (left, right.constant) if left.constant is ABSENT else (right, left.constant)
        guards = guards_of(sign, constant, is_right=term is left)
        if not guards or term.constant is not ABSENT:
            return ""
        first = name = term.source
        if not term.is_name:
            name = self._temporary()
            first = f"{name} := {term.source}"
        tests = [f"x_type({first if not index else name}) is {guard}" for index, guard in enumerate(guards)]
        ours, theirs = (name, right.source) if term is left else (left.source, name)
        given = ["given=True"] if right.is_display and sign in ("in", "not in") else []
        slow = self.call(COMPARISONS[sign], ours, theirs, *given, walks=False)
        return f"({ours} {sign} {theirs} if {' or '.join(tests)} else {slow})"


def _is_type_call(node: Any) -> bool:
    return kind_of(node) == "Call" and kind_of(node.func) == "Name" and node.func.id == "type"


_SCALARS = (str, bytes, int, float, bool, type(None))

_TRANSLATIONS: dict[str, Callable[[Translator, Any], Term]] = {
    "Attribute": Translator._attribute,
    "BinOp": Translator._bin_op,
    "BoolOp": Translator._bool_op,
    "Call": Translator._call_node,
    "Compare": Translator._compare,
    "Constant": Translator._constant,
    "Dict": Translator._dict,
    "DictComp": comprehensions.comprehension,
    "IfExp": Translator._if_exp,
    "JoinedStr": Translator._f_string,
    "List": Translator._sequence,
    "ListComp": comprehensions.comprehension,
    "Name": Translator._name,
    "Set": Translator._set,
    "SetComp": comprehensions.comprehension,
    "Subscript": Translator._subscript,
    "Tuple": Translator._sequence,
    "UnaryOp": Translator._unary_op,
}
"""What the language has. A node that is not here is refused."""
