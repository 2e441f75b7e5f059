"""Event loops that threads run at this moment: found in the threads' stacks, where asyncio itself runs them.

uvloop's own function has no frame: its loop is sought in the variables of who called it, and their attributes.
"""

from __future__ import annotations

import sys
from types import FunctionType

from pyrometer.agent.attributes import class_value, instance_dict, mro, qualified_name
from pyrometer.agent.frames import read_foreign
from pyrometer.agent.loaded import module_global
from pyrometer.agent.mappings import held
from pyrometer.agent.stacks import outward
from pyrometer.link.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType

MAX_FRAMES = 1000
"""Frames of one thread that are looked at."""
_MAX_CALLERS = 5
"""Innermost frames in whose variables a loop is sought that has no frame of its own."""
_MAX_VALUES = 200
_RUNNERS = (
    ("asyncio.base_events", "BaseEventLoop", ("run_forever", "run_until_complete", "_run_once")),
    ("asyncio.runners", "Runner", ("run",)),
)


class RunningLoop(NamedTuple):
    """A loop, and the thread that runs it."""

    loop: object
    ident: int


def running() -> list[RunningLoop]:
    """The loop of each thread that runs one."""
    codes = _codes()
    if not codes:
        return []
    stacks = sys._current_frames()
    found = {ident: loop for ident, frame in stacks.items() if (loop := _loop_in_frames(frame, codes)) is not None}
    known = {id(loop) for loop in found.values()}
    for ident, frame in stacks.items() if "uvloop" in sys.modules else ():
        loop = _loop_in_variables(frame) if ident not in found else None
        if loop is not None and id(loop) not in known:
            known.add(id(loop))
            found[ident] = loop
    return [RunningLoop(loop, ident) for ident, loop in found.items()]


def _codes() -> dict[int, str]:
    """Code by id of what runs a loop → where that is kept: in "self", or below it."""
    found = {}
    for module, cls, names in _RUNNERS:
        owner = module_global(module, cls)
        for name in names if type(owner) is type else ():
            function = class_value(owner, name)
            if type(function) is FunctionType:
                found[id(function.__code__)] = "_loop" if cls == "Runner" else ""
    return found


def _loop_in_frames(innermost: FrameType, codes: dict[int, str]) -> object | None:
    for frame in outward(innermost, MAX_FRAMES):
        below = codes.get(id(frame.f_code))
        if below is not None:
            runner = dict(read_foreign(frame) or ()).get("self")
            loop: object = held(instance_dict(runner), below) if below and runner is not None else runner
            if loop is not None:
                return loop
    return None


def _loop_in_variables(innermost: FrameType) -> object | None:
    """A loop of another make, which has no frame, among the variables of who may have called it."""
    for frame in outward(innermost, _MAX_CALLERS):
        values = [value for _, value in (read_foreign(frame) or ())[:_MAX_VALUES]]
        for each in (*values, *[attribute for value in values for attribute in _attributes(value)]):
            if any(qualified_name(base) == _ABSTRACT for base in mro(type(each))):
                return each
    return None


def _attributes(value: object) -> list[object]:
    """What an object holds, unless that is much."""
    fields = instance_dict(value)
    return [] if fields is None or dict.__len__(fields) > _MAX_VALUES else list(dict.values(fields))


_ABSTRACT = "asyncio.events.AbstractEventLoop"
