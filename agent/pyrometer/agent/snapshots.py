"""What is captured at a hit: the frames with their values, the expressions, the exception; in wire form.

Reading happens in the service's thread, while that stands still; what was read is judged, described and encoded later
and elsewhere (`drafts`). Frames are let go of before this returns.
"""

from __future__ import annotations

import sys
from itertools import islice

from pyrometer.agent.attributes import qualified_name
from pyrometer.agent.causes import Causes
from pyrometer.agent.codes import file_of, name_of
from pyrometer.agent.endings import ending, lookup_at_end
from pyrometer.agent.engines.callbacks import read_name
from pyrometer.agent.engines.raises import raised_anew
from pyrometer.agent.expressions import EvaluationError
from pyrometer.agent.frames import UNSET, local_names
from pyrometer.agent.getters import traceback_of
from pyrometer.agent.stacks import ThreadName, module_of
from pyrometer.agent.traces import current_trace
from pyrometer.agent.unpatched import native
from pyrometer.agent.values import Capture, unreadable
from pyrometer.link.framing import encode
from pyrometer.link.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from types import CodeType, FrameType, TracebackType
    from typing import Any

    from pyrometer.agent.engines.following import CallEnd
    from pyrometer.agent.expressions import Expression
    from pyrometer.agent.loglines import Template
    from pyrometer.guard.redaction import Redactor
    from pyrometer.link.model import ProbeLimits

MAX_WALK = 10_000
"""Frames that are counted, shown or not."""

_MAX_CODES = 50
_WARMING = 4
"""The interpreter adapts code to what it sees after some calls."""
_SAMPLES: tuple[object, ...] = (1, 0.5, True, None, "text", b"data", [1, "text"], (1, 2), {"key": [1], "other": "text"})

_warm = False


class Recipe(NamedTuple):
    """What a probe wants to know at a hit, and within which bounds."""

    limits: ProbeLimits
    redactor: Redactor
    shape: bool
    """Whether the owner lets types and sizes out only."""
    forbids: Callable[[str], bool]
    """Tells modules whose values stay inside, ours among them: see `scopes.closed`."""
    expressions: Sequence[Expression]
    template: Template | None = None
    """Makes a line of text of a hit, in place of values."""
    locals: bool = True
    """Whether the frames' variables are shown."""
    pay: Callable[[float], None] | None = None
    """Is told the seconds of describing a hit, on the thread that sends it."""


def take(
    recipe: Recipe, hit_id: str, frame: FrameType, exc: BaseException | None, end: CallEnd | None = None
) -> tuple[dict[str, Any], int]:
    """Capture a hit; returns it with about how many bytes it will be. Shape: `link.model.hit_event`.

    Args:
        end: of a call that is watched, how it ended.
    """
    began = native.perf_counter()
    capture = Capture(recipe.limits, recipe.redactor, shape=recipe.shape, pay=recipe.pay)
    raised = exc if end is None else end.exception
    shown, left_out = _choose(frame, exc, recipe.limits.frames, None if raised is None else traceback_of(raised))
    lookup = lookup_in(frame, exc)
    if end is not None:
        lookup = lookup_at_end(end, lookup)
    hit: dict[str, Any] = {
        "hit_id": hit_id,
        "time": native.time(),
        "thread": ThreadName(),
        "frames": [_describe(one, line, recipe, capture) for one, line in shown],
        "left_out": left_out,
        "expressions": [[asked.text, _evaluate(asked, lookup, capture)] for asked in recipe.expressions],
        "exception": None if raised is None else _exception(raised, capture),
        **current_trace()._asdict(),
    }
    if end is not None:
        hit.update(ending(end, frame, capture))
    hit["pause"] = native.perf_counter() - began
    return hit, capture.used_bytes + 300 * len(shown)


def warm_up(recipe: Recipe, codes: Iterable[CodeType]) -> None:
    """Do on the agent's thread what a first hit would do slowly: judge names, and, once, let the interpreter adapt.

    Args:
        recipe: what hits will be taken by.
        codes: functions whose variables they will show.
    """
    global _warm
    for code in islice(codes, _MAX_CODES):
        for name in local_names(code):
            recipe.redactor.name(name)
    for _ in range(0 if _warm else _WARMING):
        capture = Capture(recipe.limits, recipe.redactor, shape=recipe.shape)
        for sample in _SAMPLES:
            capture.value(sample, "sample")
        encode(take(recipe._replace(pay=None), "", sys._getframe(), None)[0])
    _warm = True


def lookup_in(frame: FrameType, exc: BaseException | None) -> Callable[[str], object]:
    """How an expression's names are found: variables of the frame, globals, then `exc`."""

    def lookup(name: str) -> object:
        value = read_name(frame, name)
        if value is not UNSET:
            return value
        if name == "exc" and exc is not None:
            return exc
        raise EvaluationError(f"{name} has no value here")

    return lookup


def _choose(
    frame: FrameType, exc: BaseException | None, limit: int, head: TracebackType | None
) -> tuple[list[tuple[FrameType, int]], int]:
    """The frames to show with their lines, innermost first, and how many more there are.

    Those that an exception has passed already are ended; they are known from its traceback, with their values. At most
    half of what is shown is theirs, so that the frame that was asked for is among them.
    """
    passed = _passed(exc)
    inner = passed[-(limit // 2) :] if limit > 1 else []
    shown = [(entry.tb_frame, entry.tb_lineno) for entry in reversed(inner)]
    left_out = len(passed) - len(inner)
    at: FrameType | None = frame
    for _ in range(MAX_WALK):
        if at is None:
            break
        if len(shown) < limit:
            shown.append((at, _line(at, head)))
        else:
            left_out += 1
        at = at.f_back
    return shown, left_out


def _line(frame: FrameType, head: TracebackType | None) -> int:
    """The line of a frame. On 3.11 an exception's callback is called from behind the code, where no line is."""
    if head is not None and head.tb_frame is frame:
        return head.tb_lineno
    return frame.f_lineno or 0


def _passed(exc: BaseException | None) -> list[TracebackType]:
    """Entries of the frames that an exception left before the current one, which is the head of its traceback."""
    found: list[TracebackType] = []
    entry = None if exc is None or raised_anew(exc) else traceback_of(exc)
    while entry is not None and entry.tb_next is not None and len(found) < MAX_WALK:
        entry = entry.tb_next
        found.append(entry)
    return found


def _describe(frame: FrameType, line: int, recipe: Recipe, capture: Capture) -> dict[str, Any]:
    code = frame.f_code
    module = module_of(frame)
    hidden = not recipe.locals or recipe.forbids(module)
    return {
        "function": name_of(code),
        "file": file_of(code),
        "line": line,
        "module": module,
        "locals": None if hidden else capture.draft_locals(frame),
    }


def _evaluate(asked: Expression, lookup: Callable[[str], object], capture: Capture) -> Any:
    try:
        value = asked.evaluate(lookup)
    except EvaluationError as error:
        return unreadable(error.why)
    return capture.draft(value)


def _exception(exc: BaseException, capture: Capture) -> dict[str, Any]:
    return {
        "type": qualified_name(type(exc)),
        "message": capture.draft_message(exc),
        "handled": None,
        "handled_why": "",
        **Causes(capture).of(exc)._asdict(),
    }
