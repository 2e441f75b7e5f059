"""Nodes of captured values, in the wire form of `link.model.hit_event`: those that show less than there is, and why.

Unset, withheld, unreadable and cut are four different things, and none of them is None.
"""

from __future__ import annotations

from pyrometer.agent.frames import UNSET
from pyrometer.agent.readings import Reading, reading_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

Node = dict[str, "Any"]


class Redacted:
    """Stands for a value that was withheld before it came here."""

    __slots__ = ("why",)

    def __init__(self, why: str) -> None:
        self.why = why


REDACTED = Redacted("name")
"""Stands for what an expression gives that touched a name which is withheld."""


def unreadable(why: str) -> Node:
    """The node of something that can't be read, or of an expression that failed."""
    return {"type": "", "kind": "unreadable", "why": why[:500]}


def shape_of(obj: Any, reading: Reading) -> Node:
    """Type and size of a scalar, without its content."""
    kind = reading.kind
    if obj is None:
        return {"type": "NoneType", "kind": "none"}
    if kind in ("str", "bytes"):
        return stub(reading.type, kind, reading.base.__len__(obj), "shape")
    if kind in ("int", "float"):
        return stub(reading.type, "bool" if type(obj) is bool else kind, None, "shape")
    return special(obj, reading)


def special(obj: Any, reading: Reading) -> Node:
    """What is none of the ordinary: our own sentinels, types that can't be read or of which nothing else is known."""
    if obj is UNSET:
        return {"type": "", "kind": "unset"}
    if type(obj) is Redacted:
        return {"type": "", "kind": "redacted", "why": obj.why}
    if reading.why:
        return {"type": reading.type, "kind": "unreadable", "why": reading.why}
    return {"type": reading.type, "kind": "other"}


def redacted(cls: type, why: str) -> Node:
    """The node of a value of this type that is withheld."""
    return redacted_as(reading_of(cls).type, why)


def redacted_as(type_name: str, why: str) -> Node:
    """The node of a value that is withheld; `why` names the rule."""
    return {"type": type_name, "kind": "redacted", "why": why}


def stub(type_name: str, kind: str, size: int | None, why: str) -> Node:
    """A value of which less is shown than there is: nothing."""
    node = {"type": type_name, "kind": kind, "why": why}
    return node if size is None else {**node, "size": size}


def note_size(node: Node, size: int, shown: int, *, whole: bool) -> None:
    """Say how much there is where less is shown."""
    if size > shown:
        node["size"] = size
        node["why"] = "items" if whole else "budget"
