"""Captured values as markup: one line where that says all, else something to unfold."""

from __future__ import annotations

from typing import Any

from pyrometer.client.render.values import is_withheld, labelled, line_of
from pyrometer.client.snapshots.markup import Markup, joined, tag

Document = dict[str, Any]
_LINE = 90
"""Characters of a value that stand on its line."""
_DEEPEST = 60
_NOT_MUCH = 12
_CUT = {
    "depth": "what is inside was not copied: values go only so deep",
    "items": "the rest was not copied, for the limit of items",
    "length": "the rest was not copied, for the limit of length",
    "budget": "the rest was not copied: the time or size of one capture was used up",
}


class ValuePage:
    """Writes values of one hit; `hit` tells its objects from those of others."""

    def __init__(self, hit: str) -> None:
        self._hit = hit
        self._described: set[int] = set()

    def table(self, values: Document, *, unfolded: bool = False) -> Markup:
        """Values by name; those without one yet together at the end."""
        unset = [name for name, value in values.items() if value["kind"] == "unset"]
        rows = [
            _row(name, self.value(value, unfolded=unfolded))
            for name, value in values.items()
            if value["kind"] != "unset"
        ]
        rows += [tag("tr", _head("unset"), tag("td", ", ".join(unset)), class_="unset")] * bool(unset)
        return tag("table", tag("tbody", *rows), class_="values") if rows else Markup()

    def value(self, value: Document, deep: int = 0, *, unfolded: bool = False) -> Markup:
        """One value; `unfolded`: what is inside an object is to be seen at once, if it is not much."""
        if value["kind"] == "ref":
            return tag("a", f"{_name(value)} #{value['ref']}", href=f"#{self._anchor(value['ref'])}")
        if is_withheld(value):
            return tag("span", line_of(value, _LINE), class_="withheld")
        inside = labelled(value)
        line = line_of(value, _LINE)
        if inside and deep < _DEEPEST and (len(line_of(value, 10 * _LINE)) > _LINE or self._is_target(value)):
            rows = [_row(name, self.value(part, deep + 1)) for name, part in inside]
            body = joined(tag("table", tag("tbody", *rows), class_="values"), _rest(value, len(inside)))
            return self._unfolding(value, line, body, unfolded=unfolded and len(inside) <= _NOT_MUCH)
        held = value.get("value")
        if value["kind"] in ("str", "bytes") and isinstance(held, str) and len(held) > _LINE - 2:
            return self._unfolding(value, line, joined(tag("pre", held), _rest(value, len(held))))
        return joined(tag("code", line, class_=value["kind"], id=self._target(value)), _rest(value, len(inside)))

    def _unfolding(self, value: Document, line: str, body: Markup, *, unfolded: bool = False) -> Markup:
        content = tag("summary", tag("code", line, class_=value["kind"])), tag("div", body, class_="inside")
        return tag("details", *content, class_="value", id=self._target(value), open="open" if unfolded else "")

    def _is_target(self, value: Document) -> bool:
        return "ref" in value and value["kind"] != "ref"

    def _target(self, value: Document) -> str:
        """The id of an object that others may refer to; once in a page, whatever a file says."""
        if not self._is_target(value) or value["ref"] in self._described:
            return ""
        self._described.add(value["ref"])
        return self._anchor(value["ref"])

    def _anchor(self, number: int) -> str:
        return f"{self._hit}-object-{number}"


def _row(name: str, value: Markup) -> Markup:
    return tag("tr", _head(name), tag("td", value))


def _head(name: str) -> Markup:
    return tag("th", tag("span", name), scope="row")


def _name(value: Document) -> str:
    return value["type"].rpartition(".")[2] or "object"


def _rest(value: Document, shown: int) -> Markup:
    """What was not copied, and why; nothing where all of it was."""
    why = value.get("why")
    size = max(0, value.get("size", 0) - shown)
    if not why and not size:
        return Markup()
    number = f"{size:,} more: " if size else ""
    return tag("p", f"… {number}{_CUT.get(why or 'length', why or '')}", class_="cut")
