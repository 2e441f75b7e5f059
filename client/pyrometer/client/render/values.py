"""Captured values as text: on a line, or an object's fields a line each; what is not shown and why is part of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from pyrometer.client.render.terminal import cut, escape

Document = dict[str, Any]
_BRACKETS = {"list": ("[", "]"), "tuple": ("(", ")"), "set": ("{", "}")}
_MOST_FIELDS = 12
"""Fields of an object that are shown a line each."""
_LONGEST_KEY = 40
_DEEPEST = 100
"""Levels of a value that are shown; no capture has so many."""


class Line(NamedTuple):
    """A line of a value: a field's name, empty for the value itself, and what it holds."""

    name: str
    text: str
    withheld: bool
    """Whether it says why there is no value, instead of one."""


def block_of(value: Document, width: int, *, containers: bool = False) -> Iterator[Line]:
    """The value on one line where it fits, else, if it is an object, a field a line.

    `containers`: of lists and dicts an item a line too.
    """
    parts = labelled(value) if containers or value.get("fields") else []
    if "described" in value or len(_text(value)) <= width or not parts:
        yield Line("", line_of(value, width), is_withheld(value))
        return
    yield Line("", cut(_headline(value), width), withheld=False)
    longest = min(20, max(len(name) for name, _ in parts))
    for name, part in parts[:_MOST_FIELDS]:
        text = line_of(part, max(10, width - max(longest, len(name)) - 4))
        yield Line(name.ljust(longest), text, is_withheld(part))
    more = max(value.get("size", 0), len(parts)) - min(len(parts), _MOST_FIELDS)
    if more > 0:
        yield Line(f"… {more:,} more{_why(value)}", "", withheld=False)


def labelled(value: Document) -> list[tuple[str, Document]]:
    """What a value is made of, each with what it is called in it, ready to be shown."""
    if value.get("fields"):
        return [(escape(name), field) for name, field in value["fields"].items()]
    entries = [(cut(_text(entry["key"]), _LONGEST_KEY), entry["value"]) for entry in value.get("entries", [])]
    return entries or [(f"[{index}]", item) for index, item in enumerate(value.get("items", []))]


def line_of(value: Document, width: int = 200) -> str:
    """The value on one line of at most `width` characters; of a container as many items as fit, and how many more.

    What is inside of what is inside is the first to be left out.
    """
    if "described" in value:
        return _summary(value, width)
    text = next((text for text in (_text(value), _text(value, 2)) if len(text) <= width), None)
    if text is not None:
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
        return _fitting(f"{_type(value)}{_label(value)}(", _fields(value), ")", value, width)
    if kind in ("str", "bytes") and "value" in value:
        end = f" {value.get('size', len(value['value'])):,} in all"
        return cut(_literal(value), width - len(end)) + end if len(end) < width // 2 else cut(_text(value), width)
    return cut(_text(value), width)


def _fields(value: Document) -> list[str]:
    """An object's fields, of each only what it is."""
    return [f"{escape(name)}={_text(field, 0)}" for name, field in value.get("fields", {}).items()]


def _summary(value: Document, width: int) -> str:
    """What is told elsewhere, with as much of it as there is room for, the plain things first."""
    described, opening = value["described"], f"{_text({**value, 'kind': 'ref'}, 0)}: "
    if described.get("fields"):
        plain_first = dict(sorted(described["fields"].items(), key=lambda field: _is_filled(field[1])))
        return _fitting(opening, _fields({"fields": plain_first}), "", described, width)
    return cut(f"{opening}{_size_of(described)}", width)


def references(value: Document) -> Iterator[int]:
    """The numbers of objects that a value refers to as seen above."""
    if value["kind"] == "ref":
        yield value["ref"]
    for part in parts_of(value):
        yield from references(part)


def numbered(value: Document, wanted: set[int]) -> Document:
    """The value with the numbers of those objects only that something refers to."""
    document = {key: held for key, held in value.items() if key != "ref" or value["kind"] == "ref" or held in wanted}
    return with_parts(document, lambda part: numbered(part, wanted))


def objects(value: Document) -> Iterator[tuple[int, Document]]:
    """The objects that a value describes and that others may refer to, with their numbers."""
    if "ref" in value and value["kind"] != "ref":
        yield value["ref"], value
    for part in parts_of(value):
        yield from objects(part)


def completed(value: Document, unseen: dict[int, Document]) -> Document:
    """The value, with each object of `unseen` where it is first referred to; those are taken out of `unseen`."""
    if value["kind"] == "ref" and value["ref"] in unseen:
        value = unseen[value["ref"]]
    unseen.pop(value.get("ref", -1), None)
    return with_parts(value, lambda part: completed(part, unseen))


def with_parts(value: Document, change: Callable[[Document], Document]) -> Document:
    """The value with each of its parts changed."""
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


def parts_of(value: Document) -> Iterator[Document]:
    """What a value is made of."""
    yield from value.get("items", ())
    for entry in value.get("entries", ()):
        yield entry["key"]
        yield entry["value"]
    yield from value.get("fields", {}).values()


def is_withheld(value: Document) -> bool:
    """Whether there is a reason in its place."""
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
        shown = [_cut_outside(parts[0], max(1, room - sum(len(text) + 2 for text in rest)))]
    whole = f"{opening}{', '.join([*shown, *rest])}{closing}"
    return whole if len(whole) <= width else _cut_outside(f"{opening}…{closing}", width)


def _cut_outside(text: str, width: int) -> str:
    """Text that keeps to so many columns, cut where no bracket is open."""
    short = cut(text, width)
    if short == text:
        return text
    opened = [index for index, char in enumerate(short) if char in "([{"]
    return short if not opened else f"{short[: opened[0]][: width - 1]}…"


def _text(value: Document, deep: int = _DEEPEST) -> str:
    """All of a value; of what is more than `deep` levels inside, only what it is."""
    kind = value["kind"]
    if kind in ("unset", "none"):
        return "None" if kind == "none" else "unset"
    if kind in ("redacted", "unreadable"):
        return f"{kind} ({escape(value['why'])})"
    if kind == "ref":
        return f"{_type(value)} #{value['ref']} {'below' if value.get('below') else 'above'}"
    if deep <= 0 and _is_filled(value):
        return _brief(value)
    if kind in _BRACKETS:
        return _sequence(value, deep - 1) + _label(value)
    if kind == "dict":
        return _mapping(value, deep - 1) + _label(value)
    if kind == "object" or "fields" in value:
        return _object(value, deep - 1)
    return _scalar(value) + _label(value)


def _is_filled(value: Document) -> bool:
    """Whether there is something inside."""
    return any(value.get(name) for name in ("items", "entries", "fields"))


def _brief(value: Document) -> str:
    """What it is, without what is inside."""
    if value.get("fields"):
        return f"{_type(value)}{_label(value)}(…)"
    opening, closing = _BRACKETS.get(value["kind"], ("{", "}"))
    return f"{_name_of(value)}{opening}{_size_of(value)}{closing}{_label(value)}"


def _size_of(value: Document) -> str:
    """How much is inside a container: `3 items`."""
    number = max(value.get("size", 0), len(value.get("items", ())), len(value.get("entries", ())))
    if value["kind"] == "dict":
        return f"{number:,} {'entry' if number == 1 else 'entries'}"
    return f"{number:,} {'item' if number == 1 else 'items'}"


def _headline(value: Document) -> str:
    """What stands above the lines of what is inside."""
    return _type(value) + _label(value) if value.get("fields") else _brief(value)


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


def _sequence(value: Document, deep: int) -> str:
    opening, closing = _BRACKETS[value["kind"]]
    items = [_text(item, deep) for item in value.get("items", [])]
    if value["kind"] == "tuple" and len(items) == 1 and "size" not in value:
        items.append("")
    shown = ", ".join([*items, *_more(value, len(value.get("items", [])))]).rstrip()
    return f"{_name_of(value)}{opening}{shown}{closing}"


def _mapping(value: Document, deep: int) -> str:
    entries = [f"{_text(entry['key'], deep)}: {_text(entry['value'], deep)}" for entry in value.get("entries", [])]
    return f"{_name_of(value)}{{{', '.join([*entries, *_more(value, len(entries))])}}}"


def _object(value: Document, deep: int) -> str:
    fields = [f"{escape(name)}={_text(field, deep)}" for name, field in value.get("fields", {}).items()]
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
