"""Captured values as text: on a line, or an object's fields a line each; what is not shown and why is part of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from pyrometer.client.render.terminal import cut, escape

Document = dict[str, Any]
_BRACKETS = {"list": "[]", "tuple": "()", "set": "{}"}
_MOST_FIELDS = 12
"""Fields of an object that are shown a line each."""


class Line(NamedTuple):
    """A line of a value: a field's name, empty for the value itself, and what it holds."""

    name: str
    text: str
    withheld: bool
    """Whether it says why there is no value, instead of one."""


def block_of(value: Document, width: int) -> Iterator[Line]:
    """The value on one line where it fits, else, if it is an object, a field a line."""
    whole = _text(value)
    fields = value.get("fields") or {}
    if len(whole) <= width or not fields:
        yield Line("", line_of(value, width), _withheld(value))
        return
    yield Line("", cut(_type(value) + _label(value), width), withheld=False)
    longest = min(20, max(map(len, fields)))
    for name, field in list(fields.items())[:_MOST_FIELDS]:
        text = line_of(field, max(10, width - max(longest, len(name)) - 4))
        yield Line(escape(name).ljust(longest), text, _withheld(field))
    more = max(value.get("size", 0), len(fields)) - min(len(fields), _MOST_FIELDS)
    if more > 0:
        yield Line(f"… {more:,} more{_why(value)}", "", withheld=False)


def line_of(value: Document, width: int = 200) -> str:
    """The value on one line of at most `width` characters; of a container as many items as fit, and how many more."""
    text = _text(value)
    if len(text) <= width:
        return text
    kind = value["kind"]
    if kind in _BRACKETS:
        pair = _BRACKETS[kind]
        parts = [_text(item) for item in value.get("items", [])]
        return _fitting(f"{_name_of(value)}{pair[0]}", parts, f"{pair[1]}{_label(value)}", value, width)
    if kind == "dict":
        parts = [f"{_text(entry['key'])}: {_text(entry['value'])}" for entry in value.get("entries", [])]
        return _fitting(f"{_name_of(value)}{{", parts, f"}}{_label(value)}", value, width)
    if value.get("fields") and "value" not in value:
        parts = [f"{escape(name)}={_text(field)}" for name, field in value["fields"].items()]
        return _fitting(f"{_type(value)}{_label(value)}(", parts, ")", value, width)
    if kind in ("str", "bytes") and "value" in value:
        end = f" {value.get('size', len(value['value'])):,} in all"
        return cut(_literal(value), width - len(end)) + end if len(end) < width // 2 else cut(text, width)
    return cut(text, width)


def references(value: Document) -> Iterator[int]:
    """The numbers of objects that a value refers to as seen above."""
    if value["kind"] == "ref":
        yield value["ref"]
    for part in _parts(value):
        yield from references(part)


def numbered(value: Document, wanted: set[int]) -> Document:
    """The value with the numbers of those objects only that something refers to."""
    document = {key: held for key, held in value.items() if key != "ref" or value["kind"] == "ref" or held in wanted}
    return _with_parts(document, lambda part: numbered(part, wanted))


def objects(value: Document) -> Iterator[tuple[int, Document]]:
    """The objects that a value describes and that others may refer to, with their numbers."""
    if "ref" in value and value["kind"] != "ref":
        yield value["ref"], value
    for part in _parts(value):
        yield from objects(part)


def completed(value: Document, unseen: dict[int, Document]) -> Document:
    """The value, with each object of `unseen` where it is first referred to; those are taken out of `unseen`."""
    if value["kind"] == "ref" and value["ref"] in unseen:
        value = unseen[value["ref"]]
    unseen.pop(value.get("ref", -1), None)
    return _with_parts(value, lambda part: completed(part, unseen))


def _with_parts(value: Document, change: Callable[[Document], Document]) -> Document:
    """The value with what it is made of changed."""
    document = dict(value)
    if "items" in value:
        document["items"] = [change(item) for item in value["items"]]
    if "entries" in value:
        document["entries"] = [
            {"key": change(entry["key"]), "value": change(entry["value"])} for entry in value["entries"]
        ]
    if "fields" in value:
        document["fields"] = {name: change(field) for name, field in value["fields"].items()}
    return document


def _parts(value: Document) -> Iterator[Document]:
    """What a value is made of."""
    yield from value.get("items", ())
    for entry in value.get("entries", ()):
        yield entry["key"]
        yield entry["value"]
    yield from value.get("fields", {}).values()


def _withheld(value: Document) -> bool:
    return value["kind"] in ("redacted", "unreadable")


def _fitting(opening: str, parts: list[str], closing: str, value: Document, width: int) -> str:
    """As many parts as there is room for, and how many more there are; at least a piece of the first one."""
    total = max(value.get("size", 0), len(parts))
    if not parts:
        return cut(_text(value), width)
    room = width - len(opening) - len(closing)
    shown: list[str] = []
    for part in parts:
        more = f", …{total - len(shown) - 1:,} more" if total > len(shown) + 1 else ""
        if len(", ".join([*shown, part])) + len(more) > room:
            break
        shown.append(part)
    left = total - max(1, len(shown))
    rest = [f"…{left:,} more"] if left else []
    if not shown:
        shown = [cut(parts[0], max(1, room - sum(len(text) + 2 for text in rest)))]
    return cut(f"{opening}{', '.join([*shown, *rest])}{closing}", width)


def _text(value: Document) -> str:
    kind = value["kind"]
    if kind in ("unset", "none"):
        return "None" if kind == "none" else "unset"
    if kind in ("redacted", "unreadable"):
        return f"{kind} ({escape(value['why'])})"
    if kind == "ref":
        return f"{_type(value)} #{value['ref']} above"
    if kind in _BRACKETS:
        return _sequence(value, *_BRACKETS[kind]) + _label(value)
    if kind == "dict":
        return _mapping(value) + _label(value)
    if kind == "object" or "fields" in value:
        return _object(value)
    return _scalar(value) + _label(value)


def _scalar(value: Document) -> str:
    kind, held = value["kind"], value.get("value")
    if held is None:
        size = f", size {value['size']:,}" if "size" in value else ""
        return f"‹{_type(value)}{size}{_why(value)}›"
    if kind in ("str", "bytes"):
        return _literal(value) + (f"… {value['size']:,} in all" if "size" in value else "")
    text = f"{escape(str(held))} ‹{_type(value)}›" if kind == "other" else escape(str(held))
    return text + (f"… {value['size']:,} in all" if "size" in value else "")


def _literal(value: Document) -> str:
    """A text or bytes, as one would write them."""
    held = value["value"]
    return escape(repr(held) if value["kind"] == "str" else repr(str(held).encode("latin-1", "replace")))


def _sequence(value: Document, opening: str, closing: str) -> str:
    items = [_text(item) for item in value.get("items", [])]
    if value["kind"] == "tuple" and len(items) == 1 and "size" not in value:
        items.append("")
    shown = ", ".join([*items, *_more(value, len(value.get("items", [])))]).rstrip()
    return f"{_name_of(value)}{opening}{shown}{closing}"


def _mapping(value: Document) -> str:
    entries = [f"{_text(entry['key'])}: {_text(entry['value'])}" for entry in value.get("entries", [])]
    return f"{_name_of(value)}{{{', '.join([*entries, *_more(value, len(entries))])}}}"


def _object(value: Document) -> str:
    fields = [f"{escape(name)}={_text(field)}" for name, field in value.get("fields", {}).items()]
    held = [_scalar({**value, "kind": "str"})] if "value" in value else []
    return f"{_type(value)}{_label(value)}({', '.join([*held, *fields, *_more(value, len(fields))])})"


def _more(value: Document, shown: int) -> list[str]:
    if "size" in value and value["size"] > shown:
        return [f"…{value['size'] - shown:,} more{_why(value)}"]
    return [f"…{_why(value)}"] if value.get("why") else []


def _why(value: Document) -> str:
    return f" ({escape(value['why'])})" if value.get("why") else ""


def _label(value: Document) -> str:
    """The number of an object that occurs more than once."""
    return f" #{value['ref']}" if "ref" in value else ""


def _name_of(value: Document) -> str:
    """A container's type, where it is not the usual one."""
    return "" if value["type"] in ("list", "tuple", "set", "dict") else _type(value)


def _type(value: Document) -> str:
    """The type's name without its module."""
    return escape(value["type"].rpartition(".")[2] or value["type"] or "?")
