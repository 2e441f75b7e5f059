"""What was read at a hit and is yet to be described: it is judged and written out when it is sent, on our own thread.

A service's thread stands still while values are read, so that is all that happens then. A draft holds what nobody can
miss: exact texts, numbers, None, and the nodes of everything else, which are our own. Until it is described, a scalar
stands for itself, and what has to be cut or decoded is a `Text`.
"""

from __future__ import annotations

from pyrometer.agent.nodes import Node, redacted_as
from pyrometer.agent.unpatched import native
from pyrometer.link.framing import Later
from pyrometer.link.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from pyrometer.guard.redaction import Redactor

MARGIN_OF_NAMES = 200
"""Characters of a key that may be a name."""
_PIECE = 512
"""Characters of a text that are searched for secrets at once; between two, other threads get their turn."""
_MARGIN = 256


class Text(NamedTuple):
    """The head of a text, of bytes or of what is written as text."""

    type: str
    kind: str
    head: str
    """What may be shown, and a margin in which a secret may end."""
    size: int
    name: str = ""
    """What a value is called that this is the key of, where the key is a member of an enumeration."""


class Describer:
    """Makes nodes of what was read. Safe to use from any thread; raises nothing."""

    __slots__ = ("_length", "_redactor")

    def __init__(self, redactor: Redactor, length: int) -> None:
        """Judge by `redactor`, and show texts of at most so many characters."""
        self._redactor = redactor
        self._length = length

    def named(self, names: Sequence[str], values: Sequence[Any]) -> list[list[Any]]:
        """Variables or attributes with their nodes; those of secret names withheld."""
        verdicts = self._redactor.verdicts
        return [
            [name, _withheld(raw) if verdicts[name] else self.node(raw)]
            for name, raw in zip(names, values, strict=True)
        ]

    def node(self, raw: Any) -> Node:
        """The node of one value."""
        cls = type(raw)
        if cls is str:
            rule = self._redactor.secret_in(raw) if len(raw) <= _PIECE + _MARGIN else self._search(raw)
            if rule is not None:
                return redacted_as("str", f"value: {rule}")
            return {"type": "str", "kind": "str", "value": raw}
        if cls is int:
            rule = self._redactor.secret_number(raw)
            return {"type": "int", "kind": "int", "value": f"{raw}"} if rule is None else _by_value("int", rule)
        if cls is dict:
            return self._content(raw)
        if raw is None:
            return {"type": "NoneType", "kind": "none"}
        if cls is bool:
            return {"type": "bool", "kind": "bool", "value": raw}
        if cls is float:
            return {"type": "float", "kind": "float", "value": float.__repr__(raw)}
        return self._text(raw)

    def _content(self, node: Node) -> Node:
        """Describe what a container holds."""
        if "items" in node:
            node["items"] = self._items(node["items"])
        elif "fields" in node:
            fields = node["fields"]
            node["fields"] = self.named([name for name, _ in fields], [raw for _, raw in fields])
        elif "entries" in node:
            node["entries"] = [self._entry(key, value) for key, value in node["entries"]]
        return node

    def _items(self, items: list[Any]) -> list[Node]:
        """Two items may be a name and its value, as headers are; an option of a command line is followed by its own."""
        verdicts = self._redactor.verdicts
        shown: list[Node] = []
        is_secret = False
        for item in items:
            shown.append(_withheld(item) if is_secret else self.node(item))
            name = _name_in(item)
            is_secret = bool((len(items) == 2 or name[:1] == "-") and name and verdicts[name] and "=" not in name)
        return shown

    def _entry(self, key: Any, value: Any) -> list[Node]:
        name = _name_in(key)
        if name and self._redactor.verdicts[name]:
            return [self.node(key), _withheld(value)]
        return [self.node(key), self.node(value)]

    def _text(self, text: Text) -> Node:
        rule = self._search(text.head)
        if rule is not None:
            return _by_value(text.type, rule)
        if text.size <= self._length:
            return {"type": text.type, "kind": text.kind, "value": text.head}
        shown = text.head[: self._length]
        return {"type": text.type, "kind": text.kind, "value": shown, "size": text.size, "why": "length"}

    def _search(self, text: str) -> str | None:
        """Search a long text piece by piece; the rule by which it is withheld."""
        for start in range(0, len(text) or 1, _PIECE):
            rule = self._redactor.secret_in(text[start : start + _PIECE + _MARGIN])
            if rule is not None:
                return rule
        return None


class Draft(Later):
    """One value that was read at a hit, or all variables of a frame."""

    __slots__ = ("_describer", "_names", "_pay", "_raw")

    def __init__(
        self,
        describer: Describer,
        raw: Any,
        pay: Callable[[float], None] | None = None,
        names: Sequence[str] | None = None,
    ) -> None:
        """Keep what was read; `pay` is told the seconds of describing it, for they are a probe's cost too.

        Args:
            names: those of the values that `raw` is a list of.
        """
        self._describer = describer
        self._raw = raw
        self._pay = pay
        self._names = names

    def put(self, index: int, node: Node) -> None:
        """Have a node of ours in the place of one of several values, if that was read."""
        if index < len(self._raw) and self._names is not None and self._names[index] != "…":
            self._raw[index] = node

    def to_wire(self) -> Any:
        """Describe it. Once: it is made of what was read."""
        began = native.thread_time()
        describer, names, raw = self._describer, self._names, self._raw
        wire = describer.node(raw) if names is None else describer.named(names, raw)
        if self._pay is not None:
            self._pay(native.thread_time() - began)
        return wire


class Message(Later):
    """The message of an exception, in which secrets are yet to be replaced."""

    __slots__ = ("_limit", "_redactor", "_text")

    def __init__(self, redactor: Redactor, text: str, limit: int) -> None:
        """Keep a text of a little more than `limit` characters."""
        self._redactor = redactor
        self._text = text
        self._limit = limit

    def to_wire(self) -> str:
        """The message."""
        return self._redactor.clean(self._text)[: self._limit]


def _by_value(type_name: str, rule: str) -> Node:
    return redacted_as(type_name, f"value: {rule}")


def _withheld(raw: Any) -> Node:
    """The node of what a secret name stands for. That there is no value is no secret."""
    if type(raw) is dict:
        return raw if raw["kind"] in ("unset", "redacted") else redacted_as(raw["type"], "name")
    return redacted_as(raw.type if type(raw) is Text else type(raw).__name__, "name")


def _name_in(key: Any) -> str:
    """A key that may be a name, as text: bytes and subclasses of str count; else ""."""
    if type(key) is str:
        return key[:MARGIN_OF_NAMES]
    if type(key) is not Text:
        return ""
    return key.name if key.kind == "other" else key.head[:MARGIN_OF_NAMES]
