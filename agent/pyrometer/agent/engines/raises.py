"""The callback for exceptions: which of them concern a probe, and which frame is the first in scope to see one.

The raise event comes for every exception of the process and again for every frame that it passes, so what counts is
how quickly the others are told: by the id of their exact type, in a table that holds the types (an id means nothing
once its owner is gone, and hashing a class may run its metaclass).
"""

from __future__ import annotations

import opcode
import sys

from pyrometer.agent.engines.callbacks import excused
from pyrometer.agent.getters import context_of, traceback_of
from pyrometer.agent.unpatched import native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import CodeType, TracebackType

    from pyrometer.agent.engines import ExceptionPoint

MAX_TYPES = 1024
"""Exception types that are remembered; a service that makes more of them than that makes us forget all."""
MAX_WALK = 1000
"""Entries of a traceback that are looked at for an earlier frame in scope; a longer one counts as seen."""

_MAX_CONTEXTS = 50
_RAISE = opcode.opmap["RAISE_VARARGS"]


class ExceptionWatch:
    """Holds exceptions against points, and remembers which types are nobody's."""

    def __init__(self, points: Sequence[ExceptionPoint]) -> None:
        self.points = list(points)
        self._others: dict[int, type] = {}
        self._wanted: dict[int, tuple[type, list[ExceptionPoint]]] = {}
        self.missed = 0
        """Id of an exception that was raised where there was no room for our frames: at the recursion limit. It is
        looked at in a frame further out. (An id may come to mean another exception; that one may be hit twice then.)
        """

    def serves(self, probe_id: str) -> bool:
        """Whether a probe is one of these."""
        return any(point.probe_id == probe_id for point in self.points)

    def retire(self) -> None:
        """Make it inert: a thread may be on its way into it."""
        self.points = []
        self._forget()

    def _forget(self) -> None:
        """Remember nothing of types: the points are others now."""
        self._others.clear()
        self._wanted.clear()

    def _look(self, exc: BaseException) -> None:
        """Call the points that an exception concerns, if this is where it is first seen in their scope."""
        known = self._wanted.get(id(type(exc)))
        late = self.missed == id(exc)
        for point in known[1] if known is not None else self._classify(exc):
            try:
                if _first_in_scope(exc, point, late=late):
                    self._hit(point, exc)
            except RecursionError:
                self.missed = id(exc)
                raise
            except BaseException as error:
                if not excused(point.tally, error):
                    raise
        if late:
            self.missed = 0

    def _hit(self, point: ExceptionPoint, exc: BaseException) -> None:
        point.tally.seen += 1
        try:
            point.hit(traceback_of(exc).tb_frame, exc)
        except RecursionError:
            point.tally.seen -= 1
            raise

    def _classify(self, exc: BaseException) -> list[ExceptionPoint]:
        """The points whose type this is, remembered for the exact type."""
        matching: list[ExceptionPoint] = []
        points = self.points
        for point in points:
            try:
                if point.matches(exc):
                    matching.append(point)
            except RecursionError:
                self.missed = id(exc)
                raise
            except BaseException as error:
                if not excused(point.tally, error):
                    raise
        if points:
            self._remember(type(exc), matching)
        if self.points is not points:  # others came meanwhile, and what was remembered says nothing of them
            self._forget()
        return matching

    def _remember(self, kind: type, matching: list[ExceptionPoint]) -> None:
        if len(self._others) + len(self._wanted) >= MAX_TYPES:
            self._forget()
        if matching:
            self._wanted[id(kind)] = (kind, matching)
        else:
            self._others[id(kind)] = kind


class RaiseCallback(ExceptionWatch):
    """The callback of the raise event for one arrangement of points, all of which share the first one's meter."""

    def __init__(self, points: Sequence[ExceptionPoint]) -> None:
        super().__init__(points)
        self.function = self._build()

    def _build(self) -> Callable[[CodeType, int, BaseException], None]:
        meter, others, look, clock = self.points[0].meter, self._others, self._look, native.perf_counter
        last: type | None = None  # the table would cost as much again, and one exception passes many frames

        def on_raise(_code: CodeType, _offset: int, exc: BaseException) -> None:
            nonlocal last
            try:
                left = meter.left
                if left > 1:
                    meter.left = left - 1
                    kind = type(exc)
                    if kind is last:
                        return
                    if id(kind) in others:
                        last = kind
                    else:
                        look(exc)
                elif left == 1:
                    meter.left = 0
                    began = clock()
                    try:
                        if id(type(exc)) not in others:
                            look(exc)
                    finally:
                        meter.spent(clock() - began)
            except RecursionError:  # the service's own error goes on
                self.missed = id(exc)

        return on_raise


def _first_in_scope(exc: BaseException, point: ExceptionPoint, *, late: bool) -> bool:
    """Whether the frame that raises it now is in scope and none is that it passed before.

    The traceback has an entry for each frame that the exception has passed, the current one at its head. So one that
    is raised again, by `raise` or from a Future that stored it, is not new. `late`: there was no room to look at it
    before.
    """
    entry: TracebackType | None = traceback_of(exc)
    if entry is None or not point.in_scope(entry.tb_frame.f_code, entry.tb_frame):
        return False
    if late:
        return True
    for _ in range(MAX_WALK):
        entry = entry.tb_next
        if entry is None:
            return True
        if point.in_scope(entry.tb_frame.f_code, entry.tb_frame):
            return raised_anew(exc)
    return False


def raised_anew(exc: BaseException) -> bool:
    """Whether an object that was raised before, and caught, is raised once more by the same statement: a singleton.

    Its traceback still has where it was then. One that is raised again by whoever has it in hand is none.
    """
    head: TracebackType | None = traceback_of(exc)
    if head is None or not _raises(head.tb_frame.f_code, head.tb_lasti) or _in_hand(exc):
        return False
    entry = head.tb_next
    for _ in range(MAX_WALK):
        if entry is None:
            return False
        if entry.tb_lasti == head.tb_lasti and entry.tb_frame.f_code is head.tb_frame.f_code:
            return entry.tb_frame is not head.tb_frame
        entry = entry.tb_next
    return False


def _raises(code: CodeType, lasti: int) -> bool:
    """Whether the instruction is a `raise` of something."""
    text = code.co_code
    return 0 <= lasti < len(text) - 1 and text[lasti] == _RAISE and text[lasti + 1] > 0


def _in_hand(exc: BaseException) -> bool:
    """Whether the calling thread is in a handler of it, or in one within."""
    held = sys.exc_info()[1]
    for _ in range(_MAX_CONTEXTS):
        if held is None or held is exc:
            return held is exc
        held = context_of(held)
    return True
