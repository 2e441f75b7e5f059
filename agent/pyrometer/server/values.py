"""Captured values between the link's form and the API's messages: where they are born and die."""

from __future__ import annotations

from typing import Any

from pyrometer.server.wording import text
from pyrometer.v1 import value_pb2

_MAX_DEPTH = 40
_SCALARS = {"int": "int_value", "str": "string_value", "other": "string_value"}


def named_to_message(name: Any, value: Any) -> value_pb2.NamedValue:
    """A variable, an attribute or an expression with its value."""
    return value_pb2.NamedValue(name=text(str(name)), value=_value(value, 0))


def value_to_message(value: Any) -> value_pb2.Value:
    """A value by itself."""
    return _value(value, 0)


def _value(wire: Any, depth: int) -> value_pb2.Value:
    """A captured value; what has another shape than agreed is unreadable, not an error."""
    try:
        if depth > _MAX_DEPTH:
            raise ValueError("too deep")
        return _read_value(wire, depth)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        return value_pb2.Value(kind=value_pb2.VALUE_KIND_UNREADABLE, why=f"the agent's form of it: {error}")


def _read_value(wire: dict[str, Any], depth: int) -> value_pb2.Value:
    kind = str(wire["kind"])
    message = value_pb2.Value(
        type=text(str(wire["type"])),
        kind=value_pb2.ValueKind.Value(f"VALUE_KIND_{kind.upper()}"),
        items=[_value(item, depth + 1) for item in wire.get("items", [])],
        entries=[
            value_pb2.ValueEntry(key=_value(key, depth + 1), value=_value(value, depth + 1))
            for key, value in wire.get("entries", [])
        ],
        fields=[
            value_pb2.NamedValue(name=text(str(name)), value=_value(value, depth + 1))
            for name, value in wire.get("fields", [])
        ],
        size=wire.get("size"),
        why=text(str(wire.get("why", ""))),
        ref_id=wire.get("ref"),
    )
    if "value" in wire:
        _set_scalar(message, kind, wire["value"])
    return message


def _set_scalar(message: value_pb2.Value, kind: str, value: Any) -> None:
    if kind == "bool":
        message.bool_value = bool(value)
    elif kind == "float":
        message.float_value = float(value)
    elif kind == "bytes":
        message.bytes_value = str(value).encode("latin-1", "replace")
    else:
        setattr(message, _SCALARS.get(kind, "string_value"), text(str(value)))
