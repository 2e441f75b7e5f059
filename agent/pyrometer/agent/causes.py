"""What an exception says of itself, and of those that it is chained to: causes, contexts, members of groups.

Everything is read through the interpreter's own descriptors. Chains may be long, go in circles, and fan out: what is
described is bounded in all, the rest is counted.
"""

from __future__ import annotations

from collections import deque

from pyrometer.agent.attributes import dict_value, qualified_name
from pyrometer.agent.codes import file_of, name_of
from pyrometer.agent.getters import context_of, members_of, traceback_of
from pyrometer.agent.mappings import Unreadable
from pyrometer.agent.stacks import module_of
from pyrometer.link.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any

    from pyrometer.agent.values import Capture

MAX_DESCRIBED = 20
"""Exceptions of one hit, its own included."""
MAX_DEPTH = 10
MAX_MEMBERS = 10
"""Members of one group."""
MAX_FRAMES = 10
"""Innermost frames of one that is chained."""
MAX_NOTES = 10
_MAX_STEPS = 5000
"""Entries of tracebacks that are walked through, all together."""


class Described(NamedTuple):
    """The parts of `link.model.hit_event`'s exception that its chain gives."""

    notes: list[Any]
    cause: dict[str, Any] | None
    context: dict[str, Any] | None
    exceptions: list[dict[str, Any]]
    left_out: int


class Causes:
    """Describes one exception. Use it once, with the capture of its hit."""

    def __init__(self, capture: Capture) -> None:
        self._capture = capture
        self._seen: set[int] = set()
        self._steps = _MAX_STEPS

    def of(self, exc: BaseException) -> Described:
        """What comes with the exception of a hit."""
        self._seen.add(id(exc))
        return self._described(exc, 0)

    def _described(self, exc: BaseException, depth: int) -> Described:
        cause, context = _cause_of(exc), None
        if cause is None and not _hides_context(exc):
            context = context_of(exc)
        members = members_of(exc) if issubclass(type(exc), BaseExceptionGroup) else ()
        shown = [self._chained(each, depth + 1) for each in members[:MAX_MEMBERS]]
        exceptions = [each for each in shown if each is not None]
        below = [None if each is None else self._chained(each, depth + 1) for each in (cause, context)]
        missing = sum(each is not None for each in (cause, context)) - sum(each is not None for each in below)
        return Described(self._notes(exc), below[0], below[1], exceptions, len(members) - len(exceptions) + missing)

    def _chained(self, exc: BaseException, depth: int) -> dict[str, Any] | None:
        """One that another one is chained to; None: it was described already, or they are too many."""
        if id(exc) in self._seen or len(self._seen) >= MAX_DESCRIBED or depth > MAX_DEPTH:
            return None
        self._seen.add(id(exc))
        described = self._described(exc, depth)
        return {
            "type": qualified_name(type(exc)),
            "message": self._capture.draft_message(exc),
            "frames": self._frames(exc),
            **described._asdict(),
        }

    def _notes(self, exc: BaseException) -> list[Any]:
        try:
            notes = dict_value(exc, "__notes__")
        except Unreadable:
            return []
        if type(notes) is not list:
            return []
        return [self._capture.draft_words(note) for note in notes[:MAX_NOTES] if type(note) is str]

    def _frames(self, exc: BaseException) -> list[dict[str, Any]]:
        """The frames that it passed, innermost first, without values."""
        kept: deque[TracebackType] = deque(maxlen=MAX_FRAMES)
        entry: TracebackType | None = traceback_of(exc)
        while entry is not None and self._steps > 0:
            self._steps -= 1
            kept.append(entry)
            entry = entry.tb_next
        return [_frame(entry) for entry in reversed(kept)]


def _frame(entry: TracebackType) -> dict[str, Any]:
    frame, code = entry.tb_frame, entry.tb_frame.f_code
    return {"function": name_of(code), "file": file_of(code), "line": entry.tb_lineno or 0, "module": module_of(frame)}


_cause_of = BaseException.__dict__["__cause__"].__get__
_hides_context = BaseException.__dict__["__suppress_context__"].__get__
