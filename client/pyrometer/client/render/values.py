"""A captured value on one line: what it is, and what of it is not shown and why."""

from __future__ import annotations

from typing import Any

from pyrometer.client.render.terminal import escape

Document = dict[str, Any]
_BRACKETS = {"list": "[]", "tuple": "()", "set": "{}"}


def line_of(value: Document, width: int = 200) -> str:
    """The value, cut at `width` characters."""
    text = _text(value)
    return text if len(text) <= width else f"{text[: max(1, width - 1)]}…"


def _text(value: Document) -> str:
    kind = value["kind"]
    if kind in ("unset", "none"):
        return "None" if kind == "none" else "unset"
    if kind in ("redacted", "unreadable"):
        return f"{kind} ({escape(value['why'])})"
    if kind == "ref":
        return f"{_type(value)} #{value['ref']} above"
    label = f" #{value['ref']}" if "ref" in value else ""
    if kind in _BRACKETS:
        return _sequence(value, *_BRACKETS[kind]) + label
    if kind == "dict":
        return _mapping(value) + label
    if kind == "object" or "fields" in value:
        return _object(value, label)
    return _scalar(value) + label


def _scalar(value: Document) -> str:
    kind, held = value["kind"], value.get("value")
    if held is None:
        size = f", size {value['size']:,}" if "size" in value else ""
        return f"‹{_type(value)}{size}{_why(value)}›"
    if kind == "str":
        shown = repr(held)
    elif kind == "bytes":
        shown = repr(str(held).encode("latin-1", "replace"))
    else:
        return escape(str(held)) + (f" ‹{_type(value)}›" if kind == "other" else "")
    return escape(shown) + (f"… {value['size']:,} in all" if "size" in value else "")


def _sequence(value: Document, opening: str, closing: str) -> str:
    items = [_text(item) for item in value.get("items", [])]
    if value["kind"] == "tuple" and len(items) == 1 and "size" not in value:
        items.append("")
    name = "" if value["type"] in ("list", "tuple", "set") else _type(value)
    return f"{name}{opening}{', '.join([*items, *_more(value, len(value.get('items', [])))]).rstrip()}{closing}"


def _mapping(value: Document) -> str:
    entries = [f"{_text(entry['key'])}: {_text(entry['value'])}" for entry in value.get("entries", [])]
    name = "" if value["type"] == "dict" else _type(value)
    return f"{name}{{{', '.join([*entries, *_more(value, len(entries))])}}}"


def _object(value: Document, label: str) -> str:
    fields = [f"{escape(name)}={_text(field)}" for name, field in value.get("fields", {}).items()]
    held = [_scalar({**value, "kind": "str"})] if "value" in value else []
    return f"{_type(value)}{label}({', '.join([*held, *fields, *_more(value, len(fields))])})"


def _more(value: Document, shown: int) -> list[str]:
    if "size" in value and value["size"] > shown:
        return [f"…{value['size'] - shown:,} more{_why(value)}"]
    return [f"…{_why(value)}"] if value.get("why") else []


def _why(value: Document) -> str:
    return f" ({escape(value['why'])})" if value.get("why") else ""


def _type(value: Document) -> str:
    """The type's name without its module."""
    return escape(value["type"].rpartition(".")[2] or value["type"] or "?")
