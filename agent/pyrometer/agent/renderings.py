"""Captured values as text on one line, for log lines: made of the copy, by none of the service's code.

What can't be shown says so: `<redacted: name>`, `<unset>`, `<unreadable: why>`. A text is never longer than was asked
for, and work on it ends when it is.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyrometer.agent.nodes import Node

_BRACKETS = {"list": ("[", "]"), "tuple": ("(", ")"), "set": ("{", "}")}
_USUAL = ("list", "tuple", "set", "dict")
_ABSENT = ("redacted", "unset", "unreadable")


def show(node: Node, conversion: str, spec: str, limit: int) -> str:
    """A captured value as a field of a template asks for it, cut to so many characters.

    Args:
        conversion: "r": as one would write it in Python; "s" or "": text without quotes.
        spec: a format that `templates.is_plain_spec` lets pass.
    """
    if node["kind"] in _ABSENT:
        return _absent(node)
    is_text = node["kind"] == "str" and "value" in node
    text = node["value"] + _more_of(node) if is_text and conversion != "r" else text_of(node, limit)
    if spec:
        try:
            text = format(text if conversion else _plain(node, text), spec)
        except (ValueError, OverflowError):
            text = f"<unreadable: the format {spec} is not for a {_type(node)}>"
    return cut(text, limit)


def text_of(node: Node, limit: int) -> str:
    """A captured value as one would write it in Python, more or less; where it is longer than that, its beginning."""
    writer = _Writer(limit)
    writer.write(node)
    return cut("".join(writer.parts), limit)


def one_line(text: str) -> str:
    """Text without line ends, controls and marks of direction: each is spelled out. What is left can be encoded."""
    if text.isprintable():
        return text
    return "".join([c if c.isprintable() else ascii(c)[1:-1] for c in text])


def cut(text: str, limit: int) -> str:
    """Text of at most so many characters; a mark says that there was more."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _plain(node: Node, text: str) -> object:
    """The number that a node stands for, to be formatted as one; else its text."""
    if node["kind"] == "bool":
        return node["value"]
    if node["kind"] == "float" and "value" in node:
        return float(node["value"])
    if node["kind"] == "int" and "value" in node and "why" not in node:
        return int(node["value"], 0)
    return text


class _Writer:
    """Writes a value piece by piece, until there is enough of it."""

    def __init__(self, limit: int) -> None:
        self.parts: list[str] = []
        self._left = limit

    def write(self, node: Node) -> None:
        """Add a value."""
        kind = node["kind"]
        if kind in _ABSENT:
            self._add(_absent(node))
        elif "items" in node:
            self._sequence(node)
        elif "entries" in node:
            self._add(f"{_name_of(node)}{{")
            self._members([(None, entry) for entry in node["entries"]], node, "}")
        elif "fields" in node:
            self._object(node)
        elif kind == "ref":
            self._add(f"{_type(node)}(…)")
        else:
            self._add(_scalar(node))

    def _add(self, text: str) -> None:
        self.parts.append(text)
        self._left -= len(text)

    def _sequence(self, node: Node) -> None:
        opening, closing = _BRACKETS.get(node["kind"], ("[", "]"))
        is_single = node["kind"] == "tuple" and len(node["items"]) == 1 and "size" not in node
        self._add(f"{_name_of(node)}{opening}")
        self._members([(None, item) for item in node["items"]], node, f",{closing}" if is_single else closing)

    def _object(self, node: Node) -> None:
        self._add(f"{_type(node)}(")
        if "value" in node:
            self._add(f"{node['value']}{', ' if node['fields'] else ''}")
        self._members(node["fields"], node, ")")

    def _members(self, members: list[tuple[str | None, Node | list[Node]]], node: Node, closing: str) -> None:
        """Add members with commas between them: values, pairs of key and value, values with names."""
        for index, (name, member) in enumerate(members):
            if self._left < 0:
                return
            if index:
                self._add(", ")
            if name is not None:
                self._add(f"{name}=")
            if isinstance(member, dict):
                self.write(member)
            else:
                self.write(member[0])
                self._add(": ")
                self.write(member[1])
        left_out = node.get("size", len(members)) - len(members)
        if left_out > 0 or "why" in node:
            self._add(f"{', ' if members else ''}…{f'{left_out} more' if left_out > 0 else ''}")
        self._add(closing)


def _absent(node: Node) -> str:
    """What stands for a value that there is none of, or none to be had."""
    return "<unset>" if node["kind"] == "unset" else f"<{node['kind']}: {node['why']}>"


def _scalar(node: Node) -> str:
    kind = node["kind"]
    if kind == "none":
        return "None"
    if "value" not in node:
        return f"<{_type(node)}{' of ' + str(node['size']) if 'size' in node else ''}>"
    value = node["value"]
    if kind == "str":
        return repr(value) + _more_of(node)
    if kind == "bytes":
        return repr(value.encode("latin-1")) + _more_of(node)
    return f"{value}{_more_of(node)}"


def _more_of(node: Node) -> str:
    return "…" if "size" in node else ""


def _name_of(node: Node) -> str:
    """A container's type, where it is not the usual one."""
    return "" if node["type"] in _USUAL else _type(node)


def _type(node: Node) -> str:
    """The type's name without its module."""
    name: str = node["type"]
    return name.rpartition(".")[2] or name or "?"
