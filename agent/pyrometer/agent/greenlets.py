"""Greenlets, as plain data: name, state and frames of those that are not over, where greenlet is loaded.

greenlet keeps no list of them. They are found through the collector, in two steps over all that it knows: those of
classes written in Python refer to these, gevent's hubs among them, and gevent's own refer to their hub.
"""

from __future__ import annotations

import gc
import sys

from pyrometer.agent.attributes import mro, qualified_name
from pyrometer.agent.codes import name_of
from pyrometer.agent.getters import HEAP_TYPE, flags_of
from pyrometer.agent.loaded import module_global
from pyrometer.agent.mappings import held
from pyrometer.agent.slices import Slices
from pyrometer.agent.stacks import CodeTable, outward
from pyrometer.agent.unpatched import native
from pyrometer.link.model import greenlets_reply

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import Any

    from pyrometer.agent.disclosure import Disclosure

MAX_GREENLETS = 1000
"""Greenlets that are described."""
MAX_FRAMES = 100
MAX_SECONDS = 0.2
"""CPU time that it may take to describe them."""
MAX_BLOCKS = 2_000_000
"""Blocks of memory of a process in which they are sought: going through them takes some 15 ns each,
twice, and nothing else runs meanwhile."""
_PAUSE = 0.001
_MAX_CLASSES = 200


def capture(disclosure: Disclosure | None = None) -> dict[str, Any]:
    """Describe all greenlets; `disclosure` reads the values of their frames. Shape: `link.model.greenlets_reply`."""
    table = CodeTable()
    base = module_global("greenlet._greenlet", "greenlet")
    if type(base) is not type:
        return {**greenlets_reply([], 0), "codes": []}
    if sys.getallocatedblocks() > MAX_BLOCKS:
        return {**greenlets_reply(None, 0), "codes": []}
    slices = Slices(MAX_SECONDS)
    found = _find(base)
    described = []
    for greenlet in found[:MAX_GREENLETS]:
        entry = None if slices.over else _describe(greenlet, base, table, disclosure)
        if entry is not None:
            described.append(entry)
        slices.look()
    return {**greenlets_reply(described, max(0, len(found) - MAX_GREENLETS)), "codes": table.described}


def _find(base: type) -> list[Any]:
    """Greenlets that have not ended; hubs, which run the loops of gevent, are none that anybody looks for."""
    classes = _classes(base)
    found = _referring_to(classes, base)
    hubs = [each for each in found if _is_hub(type(each))]
    native.sleep(_PAUSE)
    found += _referring_to(hubs, base)
    dead = base.__dict__["dead"].__get__
    once = {id(each): each for each in found if not _is_hub(type(each)) and not dead(each)}
    return list(once.values())


def _referring_to(targets: list[Any], base: type) -> list[Any]:
    """Greenlets that refer to any of these."""
    referrers = gc.get_referrers(*targets) if targets else []
    return [each for each in referrers if any(cls is base for cls in mro(type(each)))]


def _classes(base: type) -> list[type]:
    """Classes of greenlets written in Python, gevent's hub among them: their instances refer to them."""
    found: list[type] = []
    waiting: list[type] = [base]
    while waiting and len(found) < _MAX_CLASSES:
        subclasses: list[type] = type.__subclasses__(waiting.pop())
        waiting += subclasses
        found += [cls for cls in subclasses if flags_of(cls) & HEAP_TYPE]
    return found


def _is_hub(cls: type) -> bool:
    return any(qualified_name(each) == "gevent.hub.Hub" for each in mro(cls))


def _describe(greenlet: Any, base: type, table: CodeTable, disclosure: Disclosure | None) -> dict[str, Any] | None:
    frames = list(outward(base.__dict__["gr_frame"].__get__(greenlet), 10 * MAX_FRAMES))
    active: bool = base.__dict__["__bool__"](greenlet)
    shown = frames[:MAX_FRAMES]
    entry: dict[str, Any] = {
        "name": _name(greenlet, base, frames),
        "state": ("SUSPENDED" if frames else "RUNNING") if active else "CREATED",
        "frames": [[table.index(frame), frame.f_lineno or 0, frame.f_lasti] for frame in shown],
        "left_out": len(frames) - len(shown),
    }
    if disclosure is not None:
        entry["locals"] = disclosure.of_stack(shown)
    return entry


def _name(greenlet: object, base: type, frames: list[FrameType]) -> str:
    """The name that it was given, or that gevent has made for it; else what it runs."""
    if base.__dict__["parent"].__get__(greenlet) is None:
        return "main"
    given = held(base.__dict__["__dict__"].__get__(greenlet), "name")
    if type(given) is str:
        return given[:200]
    return name_of(frames[-1].f_code) if frames else qualified_name(type(greenlet))
