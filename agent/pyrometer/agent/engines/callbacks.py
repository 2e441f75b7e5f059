"""Line callbacks, written as source for the points that they serve: a generic dispatcher alone costs the whole bar.

An engine says how it gets at the names that a condition reads: statements that bind `v_NAME`, or leave it unbound
where the name has no value. Unbound is enough: the condition raises NameError if, and only if, it really reads it, so
`kind == "card" and card.total > 5` works where there is no `card` for the other kinds.

    binding = frame_binding(condition.names, "getframe(1)", "0")
    source = point_source(point, "0", frame="getframe(1)", binding=binding, exhausted=stop)
    on_line = build("on_line", ("code", "line"), source.lines, source.namespace)
"""

from __future__ import annotations

import builtins
import sys

from pyrometer.agent.expressions import EvaluationError
from pyrometer.agent.frames import UNSET, has_variable, read_local
from pyrometer.agent.getters import traceback_of
from pyrometer.agent.mappings import ABSENT, find
from pyrometer.agent.stacks import module_of
from pyrometer.agent.unpatched import native
from pyrometer.link.errors import LinkError
from pyrometer.link.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from types import FrameType
    from typing import Any

    from pyrometer.agent.engines import LinePoint, Meter, Tally

_INDENT = "    "
_OUR_MODULES = ("pyrometer.agent", "pyrometer.link", "pyrometer.guard")
_firing: dict[int, None] = {}
"""Threads inside a hit. A dict's single operations are atomic under the GIL; there is no lock to hold at a fork."""


class Source(NamedTuple):
    """Statements of a callback, and the objects that they name."""

    lines: list[str]
    namespace: dict[str, Any]


def point_source(
    point: LinePoint, mark: str, *, frame: str, binding: Source, exhausted: Callable[[], object]
) -> Source:
    """The statements that serve one point: meter, count, test, hit.

    Args:
        mark: tells the names of this point from those of others in the same callback.
        frame: an expression for the service's frame; evaluated at a hit only.
        binding: binds `v_NAME` for each name of the condition; empty where they are the callback's parameters.
        exhausted: called when the meter is at 0 (several times where threads race): switches the point off.
    """
    condition, fire = point.condition, f"fire{mark}(tally{mark}, hit{mark}, {frame})"
    test = [*binding.lines, f"if {condition.source if condition else True}: {fire}"]
    point.tally.follow(point.meter)
    namespace = {
        f"tally{mark}": point.tally,
        f"meter{mark}": point.meter,
        f"hit{mark}": point.hit,
        f"fire{mark}": fire_once,
        f"exhausted{mark}": exhausted,
        "excused": excused,
        "settle": settle,
        "clock": native.perf_counter,
        **binding.namespace,
        **(condition.namespace if condition else {}),
    }
    return Source(_metered(mark, test if condition else [fire]), namespace)


def _metered(mark: str, body: Sequence[str]) -> list[str]:
    """Count and meter a body, time the event that uses the meter up, and keep errors of ours from the service.

    At the recursion limit there is no room for any call, `excused` included: the event is lost, and the service's own
    error is what it sees. If that was the event that used the meter up, the governor finds out by itself.
    """
    looking = [
        "try:",
        *indented(body),
        "except (KeyboardInterrupt, SystemExit): raise",
        "except BaseException as error:",
        f"    if not excused(tally{mark}, error): raise",
    ]
    return [
        "try:",
        f"    left = meter{mark}.left",
        "    if left > 1:",
        f"        meter{mark}.left = left - 1",
        *indented(indented(looking)),
        "    elif left == 1:",
        f"        meter{mark}.deciding = True",
        f"        meter{mark}.left = left = 0",
        "        began = clock()",
        "        try:",
        *indented(indented(indented(looking))),
        f"        finally: settle(meter{mark}, began, exhausted{mark})",
        f"    else: exhausted{mark}()",
        f"except RecursionError: tally{mark}.errors += 1",
    ]


def settle(meter: Meter, began: float, exhausted: Callable[[], object]) -> None:
    """Tell the governor what the last event of an allowance took, and switch off unless it gave more at once."""
    meter.decide(native.perf_counter() - began)
    if meter.left <= 0:
        exhausted()


def read_global(frame: FrameType, name: str) -> object:
    """A global of the frame, or `UNSET`. Runs none of the service's code."""
    return global_in(frame.f_globals, name)


def global_in(scope: dict[str, Any], name: str) -> object:
    """What globals hold under a name, or `UNSET`, without a key of the service's being compared."""
    value = find(scope, name)
    return UNSET if value is ABSENT else value


def read_name(frame: FrameType, name: str) -> object:
    """A variable of the frame, else a global, else `UNSET`. Runs none of the service's code.

    A function's variable hides the global of its name even while it has no value, as it does for Python itself.
    """
    value = read_local(frame, name)
    if value is not UNSET or has_variable(frame.f_code, name):
        return value
    return read_global(frame, name)


def frame_binding(
    names: Iterable[str], frame: str, mark: str, read: Callable[[FrameType, str], object] = read_name
) -> Source:
    """Bind names by reading the frame, slowly but for any name of any frame."""
    reader = read.__name__
    lines = [f"frame{mark} = {frame}"]
    for name in names:
        lines += [f"v_{name} = {reader}(frame{mark}, {name!r})", f"if v_{name} is unset: del v_{name}"]
    return Source(lines, {reader: read, "unset": UNSET}) if len(lines) > 1 else Source([], {})


def indented(lines: Iterable[str]) -> list[str]:
    """The same statements, one block deeper."""
    return [_INDENT + line for line in lines]


def build(name: str, parameters: Sequence[str], lines: Sequence[str], namespace: dict[str, Any]) -> Callable[..., Any]:
    """Compile a callback. Its globals are the namespace, and say that they are ours (see `excused`)."""
    text = "\n".join([f"def {name}({', '.join(parameters)}):", *indented(lines or ["pass"])])
    place: dict[str, Any] = {"__name__": __name__, "__builtins__": builtins, "getframe": sys._getframe, **namespace}
    exec(compile(text, f"<pyrometer {name}>", "exec", dont_inherit=True), place)
    function: Callable[..., Any] = place.pop(name)
    return function


def retire(callback: Callable[..., Any], mark: str) -> None:
    """Make a callback inert for a point: a thread may be on its way into it when the point is disarmed."""
    place = callback.__globals__
    place[f"fire{mark}"] = _ignore
    place[f"hit{mark}"] = None


def fire_once(tally: Tally, hit: Callable[..., None], frame: FrameType, *more: object) -> None:
    """Count and call `hit`, unless this thread is inside a hit: a destructor that runs in one may come here again."""
    thread = native.get_ident()
    if thread in _firing:
        return
    tally.fired += 1
    _firing[thread] = None
    try:
        hit(frame, *more)
    finally:
        _firing.pop(thread, None)


def forget_threads() -> None:
    """In the child of a fork: nobody is inside a hit but, perhaps, the thread that forked, and it is not any more."""
    _firing.clear()


def excused(tally: Tally, error: BaseException) -> bool:
    """Count an error that is our own and say True; say False for one that belongs to the service."""
    if not is_own(error):
        return False
    tally.failed(_why(error))
    return True


def is_own(error: BaseException) -> bool:
    """Whether an exception that came out of our code was raised by our code.

    The others are a signal's: a handler of the service raised while our frame was on top, or an asynchronous
    exception was set for the thread. They are told by their type (what no code of ours raises) and by a frame of the
    service in the traceback. They go on to the service, as if they had come one line earlier.
    """
    kind = type(error)
    if not (issubclass(kind, (EvaluationError, LinkError)) or id(kind) in _OUR_KINDS):
        return False
    entry = traceback_of(error)
    while entry is not None:
        if not _is_our_module(module_of(entry.tb_frame)):
            return False
        entry = entry.tb_next
    return True


def _is_our_module(name: str) -> bool:
    return name.startswith(_OUR_MODULES) or name.partition(".")[0] in sys.stdlib_module_names


def _why(error: BaseException) -> str:
    """Words for `probes`; made of our own exceptions only, so its `str` is not foreign code."""
    if isinstance(error, EvaluationError):
        return error.why
    if isinstance(error, NameError):
        quoted = str(error).split("'")
        return f"{quoted[1].removeprefix('v_')} has no value here" if len(quoted) > 1 else str(error)
    return f"{type(error).__name__}: {error}"


def _ignore(*_: object) -> None:
    return None


_OUR_KINDS = frozenset(
    id(kind)
    for kind in vars(builtins).values()
    if isinstance(kind, type)
    and issubclass(kind, Exception)
    and kind is not Exception
    and not issubclass(kind, (OSError, Warning))
)
"""Builtin exceptions that a mistake of ours may raise. Callbacks do no I/O: an OSError, TimeoutError for one, is a
signal's."""
