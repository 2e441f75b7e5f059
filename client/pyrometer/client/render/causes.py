"""What had led to an exception: its cause, what was being handled meanwhile, the members of a group; as lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pyrometer.client.render.places import place
from pyrometer.client.render.terminal import escape

Document = dict[str, Any]
_MOST = 20
"""Exceptions that are told of one hit."""


def causes(raised: Document) -> Iterator[str]:
    """A line for each exception that comes with this one, outermost first; an agent may tell of none."""
    lines = list(_told(raised, ""))
    yield from lines[:_MOST]
    if len(lines) > _MOST:
        yield f"… {len(lines) - _MOST:,} more"


def related(raised: Document) -> Iterator[tuple[str, Document]]:
    """What comes with an exception, each with how it does."""
    if raised.get("cause"):
        yield "caused by", raised["cause"]
    elif raised.get("context"):
        yield "while handling", raised["context"]
    members = raised.get("exceptions") or []
    for index, member in enumerate(members, 1):
        yield f"{index} of {len(members)}", member


def heading(raised: Document) -> str:
    """Type, message, and the place where it was raised, as far as they are known."""
    message = f": {escape(raised['message'])}" if raised.get("message") else ""
    frames = raised.get("frames") or []
    where = f"   {escape(place(frames[0]))}" if frames else ""
    return f"{escape(raised['type'].rpartition('.')[2])}{message}{where}"


def _told(raised: Document, indent: str) -> Iterator[str]:
    for how, other in related(raised):
        yield f"{indent}{how} {heading(other)}"
        yield from (f"{indent}  note: {escape(note)}" for note in other.get("notes") or ())
        yield from _told(other, f"{indent}  ")
    if raised.get("left_out"):
        yield f"{indent}… {raised['left_out']:,} more"
