"""Following exceptions on Python 3.11, by the trampolines that they pass in the functions in scope, and by looking.

A trampoline says that an exception came to a function, and its code says where it goes from there: to a handler, or
out. What happens then is told from where the thread stands, every 2 ms: still in the handler, past it, or in what had
called the function. What raises it again says so too: so a function that came to an end without that has ended it. Of
functions out of scope nobody says anything; what becomes of an exception there is known only where it is looked at.

No frame is held; the same place in memory and the same code make it the same one.
"""

from __future__ import annotations

import sys

from pyrometer.agent.attributes import qualified_name
from pyrometer.agent.codes import file_of, name_of
from pyrometer.agent.engines.fates import STORED, WINDOW, Ending, Fate, Fates, Spot, origin_of
from pyrometer.agent.engines.sinks import SINKS, Sink, ends_process
from pyrometer.agent.getters import traceback_of
from pyrometer.agent.scopes import is_standard_library
from pyrometer.agent.stacks import module_of, outward, thread_name
from pyrometer.agent.unpatched import native
from pyrometer.link.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import CodeType, FrameType

    from pyrometer.agent.engines.fates import Verdict

_DEEPEST = 200
"""Callers that are noted, and frames of a thread that are looked through."""
_WAITED = 100
"""Looks after which it is not known what a coroutine or generator does that is not found."""
_PATIENCE = 3
"""Looks after which what has not moved since is taken to have done so."""
_OUTSIDE = "not known: on Python 3.11 nobody out of scope is seen, as is"
_IN_HAND = "not yet known: still in hand in"
_COROUTINE, _SUSPENDABLE = 0x80, 0x20 | 0x80 | 0x200


class _Place(NamedTuple):
    """A frame, and the instruction that it was at."""

    key: int
    code: CodeType
    lasti: int
    module: str

    def spot(self, offset: int) -> Spot:
        """A place in it."""
        return Spot(self.code, offset, self.module)


class _Stop:
    """Where an exception came to last: a function in scope, or a caller that was found to be dealing with it."""

    __slots__ = ("callers", "handler", "left", "looks", "outside", "place", "thread", "waits")

    def __init__(self, place: _Place, callers: Sequence[_Place], thread: tuple[int, str, bool]) -> None:
        self.place = place
        self.callers = callers
        """From the innermost out."""
        self.thread = thread
        """Ident, name, and whether it is the one that the process ends with."""
        self.handler: int | None = None
        """Where the handler is that it came to; None: it leaves."""
        self.outside = False
        """Whether the function is out of scope: nobody says whether it raises it again."""
        self.left: list[tuple[int, str]] = []
        """Where in the frame other exceptions came up, and their types."""
        self.looks = 0
        self.waits = 0
        """Looks that did not find it, a coroutine or generator."""


class _Followed(Fate):
    """What is known of one."""

    __slots__ = ("stop", "stored_at")

    def __init__(self, exc: BaseException) -> None:
        super().__init__(exc)
        self.stop: _Stop | None = None
        self.stored_at = 0.0


class Trail(Fates):
    """Follows by trampolines. `is_watched` tells code that has them; `is_replaced` that which no new call runs."""

    def __init__(self, is_watched: Callable[[CodeType], bool], is_replaced: Callable[[CodeType], bool]) -> None:
        super().__init__()
        self._is_watched = is_watched
        self._is_replaced = is_replaced
        self.rested: Callable[[], None] = lambda: None
        """Called when nothing is followed any more."""
        self.last: list[type | None] = [None]
        """The type of the latest exception that is nobody's: one comes by again in each frame that it passes. Such ones
        are not shown to `notice`, so there is none while anything is followed."""

    @property
    def fates(self) -> dict[int, _Followed]:
        """What is followed: where there is something, exceptions that come by are to be noticed."""
        return self._fates

    # In the service's threads

    def notice(self, exc: BaseException, frame: FrameType) -> None:
        """An exception came to a function in scope."""
        fate = self._fates.get(id(exc))
        if fate is None:
            self._note_elsewhere(id(frame), frame.f_lasti, exc)
        elif origin_of(exc) != fate.origin or _is_raised_anew(exc, fate, frame):
            self._give_place(fate)
        else:
            fate.stop = _stop_at(frame)

    def _begin(self, exc: BaseException, tell: Callable[[Verdict], None], who: object) -> None:
        fate = _Followed(exc)
        fate.ask(tell, who)
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and not self._is_watched(frame.f_code):
            frame = frame.f_back
        fate.stop = None if frame is None else _stop_at(frame)
        self._fates[fate.key] = fate
        self.last[0] = None

    def _note_elsewhere(self, key: int, lasti: int, exc: BaseException) -> None:
        for fate in tuple(self._fates.values()):
            stop = fate.stop
            if stop is not None and stop.place.key == key:
                stop.left.append((lasti, qualified_name(type(exc))))

    def _presume(self, fate: _Followed) -> None:
        stop = fate.stop
        if stop is None:
            self._settle(fate, Ending(None, "not known: it vanished"))
        else:
            self._destine(stop)
            stop.looks = _PATIENCE + 1  # it is over: there is nothing to wait for
            self._conclude(fate, stop, {})

    def _let_go(self, fate: _Followed) -> None:
        """There is nothing that is held."""

    def _rest(self, *, for_long: bool) -> None:
        self.rested()

    # On our thread

    def _judge(self, fate: _Followed, now: float) -> None:
        stop = fate.stop
        if stop is None:
            self._settle(fate, Ending(None, "not known: no function in scope was seen to deal with it"))
            return
        if stop.looks == 0:
            self._destine(stop)
        stop.looks += 1
        if fate.stored:
            if now >= fate.stored_at + STORED:
                self._settle(fate, Ending(None, fate.stored))
        elif not self._is_there(fate, stop) and (now >= fate.since + WINDOW or stop.waits > _WAITED):
            self._settle(fate, _unfinished(stop))

    def _destine(self, stop: _Stop) -> None:
        """Read where the trampoline goes on: with its jump back to a handler, or out of the function."""
        if stop.handler is None and self._is_watched(stop.place.code):
            stop.handler = self._handlers.jump_after(stop.place.code, stop.place.lasti)

    def _is_there(self, fate: _Followed, stop: _Stop) -> bool:
        """Look at where its thread stands; whether that settles it."""
        standing = _standing(stop.thread[0])
        place, handler = stop.place, stop.handler
        at = standing.get(place.key)
        if fate.stop is not stop:  # it came to another function meanwhile
            return False
        if at is not None and at[0] is place.code:
            if handler is None or at[1] == place.lasti or self._handlers.is_in(place.code, handler, at[1]):
                return False
            if self._in_tail(place.code, at[1]):
                return False
        elif handler is None or not (stop.outside or place.code.co_flags & _SUSPENDABLE):
            return self._conclude(fate, stop, standing)
        elif not stop.outside:  # suspended, perhaps
            stop.waits += 1
            return False
        else:
            self._settle(fate, Ending(None, _OUTSIDE, place.spot(handler)))
            return True
        self._settle(fate, self._ended_in(stop))
        return True

    def _ended_in(self, stop: _Stop) -> Ending:
        """Who ended it, where it was in a handler that was left."""
        assert stop.handler is not None
        for lasti, name in stop.left:
            to = self._handlers.jump_after(stop.place.code, lasti)
            if to is None or not self._handlers.has(stop.place.code, stop.handler, to):
                return Ending(None, f"replaced by {name} in", stop.place.spot(stop.handler))
        return Ending(True, "by", stop.place.spot(stop.handler))

    def _in_tail(self, code: CodeType, lasti: int) -> bool:
        """Whether a frame is in one of our trampolines: an exception is just coming to it."""
        return self._is_watched(code) and self._handlers.is_unplaced(code, lasti)

    def _conclude(self, fate: _Followed, stop: _Stop, standing: dict[int, tuple[CodeType, int]]) -> bool:
        """The function that it came to last is over. Whether that settles it."""
        if stop.handler is not None:
            self._settle(fate, self._ended_in(stop))
            return True
        inner = stop.place
        for index, caller in enumerate(stop.callers):
            if self._is_watched(caller.code):
                return self._never_came(fate, stop, caller)
            if self._kept_by_task(fate, inner, caller):
                return False
            handler = self._handlers.around(caller.code, caller.lasti)
            if handler is not None and self._handlers.can_end(caller.code, handler):
                return self._beyond(fate, stop, index, handler, standing)
            inner = caller
        return self._left_all(fate, stop, standing)

    def _never_came(self, fate: _Followed, stop: _Stop, caller: _Place) -> bool:
        """It left for a function that would have said so."""
        if stop.looks <= _PATIENCE:
            return False
        self._settle(fate, Ending(None, "swallowed by C code called from", caller.spot(caller.lasti)))
        return True

    def _beyond(
        self, fate: _Followed, stop: _Stop, index: int, handler: int, standing: dict[int, tuple[CodeType, int]]
    ) -> bool:
        """It comes to a handler of a caller out of scope: what that makes of it is seen only while it is at it."""
        caller = stop.callers[index]
        sink = SINKS.get(name_of(caller.code))
        if sink is not None and sink.module == caller.module and _is_python_s(caller):
            return self._sink(fate, stop, sink)
        self._settle_earlier(fate, caller)
        at = standing.get(caller.key)
        if at is not None and at[0] is caller.code and self._handlers.is_within(caller.code, handler, at[1]):
            following = _Stop(caller, stop.callers[index + 1 :], stop.thread)
            following.handler, following.looks, following.outside = handler, 1, True
            fate.stop = following
            return False
        if stop.looks <= _PATIENCE:
            return False
        spot = stop.place.spot(stop.place.lasti)
        self._settle(fate, Ending(None, "not known: on Python 3.11 nobody out of scope is seen, and it left", spot))
        return True

    def _settle_earlier(self, fate: _Followed, caller: _Place) -> None:
        """A caller that had one in hand has since called what raised another: it is done with the first.

        A thread that sleeps in its handler, in a loop, is seen nowhere else.
        """
        for other in tuple(self._fates.values()):
            stop = other.stop
            if stop is None or not stop.outside or stop.handler is None or other.since >= fate.since:
                continue
            same = stop.place.key == caller.key and stop.place.code is caller.code
            if same and not self._handlers.is_in(caller.code, stop.handler, caller.lasti):
                self._settle(other, self._ended_outside(stop))

    def _ended_outside(self, stop: _Stop) -> Ending:
        """Who ended it, in code that is not seen: surely a frame that has run since before, as it still does."""
        assert stop.handler is not None
        if self._is_replaced(stop.place.code):
            return self._ended_in(stop)
        return Ending(None, _OUTSIDE, stop.place.spot(stop.handler))

    def _sink(self, fate: _Followed, stop: _Stop, sink: Sink) -> bool:
        if sink.stores:
            fate.stored, fate.stored_at = sink.words, native.monotonic()
            return False
        self._settle(fate, Ending(False, sink.words.format(thread=stop.thread[1])))
        return True

    def _kept_by_task(self, fate: _Followed, inner: _Place, caller: _Place) -> bool:
        """Whether it left a coroutine that no other one awaits: its task has it."""
        if not inner.code.co_flags & _COROUTINE or caller.code.co_flags & _SUSPENDABLE:
            return False
        fate.stored, fate.stored_at = "stored in task", native.monotonic()
        return True

    def _left_all(self, fate: _Followed, stop: _Stop, standing: dict[int, tuple[CodeType, int]]) -> bool:
        """Nobody on the way out could end it."""
        _, name, ends = stop.thread
        spot = stop.place.spot(stop.place.lasti)
        if ends:
            self._settle(fate, Ending(False, "ended the process"))
        elif not standing:
            self._settle(fate, Ending(False, f"ended thread {name}"))
        elif stop.looks > _PATIENCE:
            self._settle(fate, Ending(None, "not known: it left Python for C code that had called", spot))
        return True


def _unfinished(stop: _Stop) -> Ending:
    """What is said of one that nothing is known of when its time is over."""
    if stop.handler is None:
        return Ending(None, "not yet known")
    suspendable = stop.place.code.co_flags & _SUSPENDABLE
    words = "not known: on Python 3.11 one that waits is not seen, as did" if suspendable else _IN_HAND
    return Ending(None, words, stop.place.spot(stop.handler))


def _stop_at(frame: FrameType) -> _Stop:
    """Note where an exception is, and through whom it would leave."""
    callers: list[_Place] = []
    outer, last = frame.f_back, frame
    while outer is not None and len(callers) < _DEEPEST:
        callers.append(_place_of(outer))
        last, outer = outer, outer.f_back
    thread = native.get_ident()
    return _Stop(_place_of(frame), callers, (thread, thread_name(thread), ends_process(last.f_code)))


def _is_raised_anew(exc: BaseException, fate: _Followed, frame: FrameType) -> bool:
    """Whether it is another one than is followed, though it was raised at the same place and has its place in memory.

    It comes from where it was raised, and the other one has left there, or would come to the same handler twice.
    """
    head, stop = traceback_of(exc), fate.stop
    if head is None or head.tb_next is not None or stop is None:
        return False
    return stop.place.key != id(frame) or stop.place.lasti == frame.f_lasti


def _place_of(frame: FrameType) -> _Place:
    return _Place(id(frame), frame.f_code, frame.f_lasti, module_of(frame))


def _standing(thread: int) -> dict[int, tuple[CodeType, int]]:
    """The frames of a thread: code and instruction, by where they are in memory. Empty: it is over."""
    innermost = sys._current_frames().get(thread)
    return {id(frame): (frame.f_code, frame.f_lasti) for frame in outward(innermost, _DEEPEST)}


def _is_python_s(place: _Place) -> bool:
    return is_standard_library(place.module, file_of(place.code))
