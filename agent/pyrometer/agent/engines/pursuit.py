"""Following exceptions on Python 3.12 and later, by the events of handlers and of frames that are left.

EXCEPTION_HANDLED does not mean handled: it comes for `finally`, for `with`, and for clauses that don't match. So each
handler that an exception enters is kept open until it is left: by raising again, which closes it and those within; by
the end of its frame, or by having run past it, which settles the matter for the outermost one.

A frame is held only while it is sure to go on: its own return, its unwinding and whatever else closes the handler lets
go of it, in the service's thread.
"""

from __future__ import annotations

import sys

from pyrometer.agent.attributes import qualified_name
from pyrometer.agent.codes import file_of, name_of
from pyrometer.agent.engines.callbacks import is_own
from pyrometer.agent.engines.events import frame_of_event
from pyrometer.agent.engines.fates import STORED, WINDOW, Ending, Fate, Fates, Spot, origin_of
from pyrometer.agent.engines.sinks import SINKS, Sink, ends_process
from pyrometer.agent.getters import context_of
from pyrometer.agent.scopes import is_standard_library
from pyrometer.agent.stacks import module_of, thread_name
from pyrometer.agent.unpatched import native
from pyrometer.link.errors import EngineUnavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FrameType

    from pyrometer.agent.engines.events import Monitoring, ToolEvents
    from pyrometer.agent.engines.fates import Verdict

PART = "fates"
MAX_EVENTS = 50_000
"""Events that may be looked at in a row while exceptions are followed, about 15 ms; EVENTS_A_SECOND come back."""
EVENTS_A_SECOND = 20_000
MAX_CODE = 60_000
"""Bytes of a code object, all in all, whose returns are listened to: switching that on takes 20 µs there, or more."""
_QUIET = 3
"""Looks without an event after which an exception that left Python may be with C code."""
_GONE = 25
"""Looks after which a thread that was left by an exception has ended, if it ends."""
_COROUTINE, _SUSPENDABLE = 0x80, 0x20 | 0x80 | 0x200
_MAX_WALK = 1000
_TOO_MANY = "not followed: too many exceptions were raised meanwhile"


class _Open:
    """A handler that an exception is in. `frame` is None where it is not held, any more or at all."""

    __slots__ = ("code", "frame", "key", "left", "module", "offset")

    def __init__(self, frame: FrameType, code: CodeType, offset: int) -> None:
        self.key = id(frame)
        self.code = code
        self.offset = offset
        self.module = module_of(frame)
        self.left: tuple[int, str] | None = None
        """Where another exception went to in this frame meanwhile, and of which type it was."""
        self.frame: FrameType | None = None

    @property
    def spot(self) -> Spot:
        """Where it is."""
        return Spot(self.code, self.offset, self.module)


class _Caller:
    """A frame that called what an exception has left: by C code, perhaps, which may keep it."""

    __slots__ = ("code", "key", "lasti", "module", "task", "thread")

    def __init__(self, frame: FrameType, left: CodeType) -> None:
        self.key = id(frame)
        self.code = frame.f_code
        self.lasti = frame.f_lasti
        self.module = module_of(frame)
        self.thread = native.get_ident()
        self.task = bool(left.co_flags & _COROUTINE) and not self.code.co_flags & _SUSPENDABLE
        """Whether a coroutine was left that no other one awaits."""

    @property
    def spot(self) -> Spot:
        """Where it calls."""
        return Spot(self.code, self.lasti, self.module)

    def has_moved(self) -> bool:
        """Whether it has gone on since, or is over."""
        frame = sys._current_frames().get(self.thread)
        for _ in range(_MAX_WALK):
            if frame is None:
                return True
            if id(frame) == self.key and frame.f_code is self.code:
                return frame.f_lasti != self.lasti
            frame = frame.f_back
        return False


class _Followed(Fate):
    """What is known of one."""

    __slots__ = ("caller", "handlers", "quiet", "root", "stored_at")

    def __init__(self, exc: BaseException) -> None:
        super().__init__(exc)
        self.handlers: list[_Open] = []
        """Those that it is in, the outermost first."""
        self.caller: _Caller | None = None
        """Where it came out of Python, since the last event."""
        self.root: tuple[int, str, Spot] | None = None
        """The thread whose outermost frame it has left: ident, name, and the frame's place."""
        self.quiet = 0
        """Looks since the last event."""
        self.stored_at = 0.0

    def stirs(self) -> None:
        """An event of it came."""
        self.quiet = 0
        self.caller = self.root = None


class Pursuit(Fates):
    """Follows by events. `events`: those of the engine's tool id, while it has one."""

    def __init__(self, monitoring: Monitoring) -> None:
        super().__init__()
        self.events: ToolEvents | None = None
        named = monitoring.events
        self._return = named.PY_RETURN
        self._everywhere = named.RERAISE | named.EXCEPTION_HANDLED | named.PY_UNWIND
        self._callbacks = {
            named.RAISE: self._on_raise,
            named.RERAISE: self._on_reraise,
            named.EXCEPTION_HANDLED: self._on_handled,
            named.PY_UNWIND: self._on_unwind,
            named.PY_RETURN: self._on_return,
        }
        self._listening = False
        self._left = MAX_EVENTS
        self._filled = native.monotonic()

    def _begin(self, exc: BaseException, tell: Callable[[Verdict], None], who: object) -> None:
        fate = _Followed(exc)
        fate.ask(tell, who)
        self._fates[fate.key] = fate
        if not self._listening:
            self._listen()

    def _listen(self) -> None:
        """Have what happens to exceptions told. May be called in a callback."""
        events = self.events
        if events is None:
            raise EngineUnavailable("nothing is armed")
        self._listening = True
        for event, callback in self._callbacks.items():
            events.listen(PART, event, callback)
        events.everywhere(PART, self._everywhere)

    def _rest(self, *, for_long: bool) -> None:
        events = self.events
        if events is None:
            return
        try:
            for event in self._callbacks:
                events.listen(PART, event, None)
            self._listening = False
            if for_long:
                events.everywhere(PART, 0)
            if self._fates:  # one came meanwhile
                self._listen()
        except (EngineUnavailable, ValueError):  # the tool id is not ours any more
            self._give_up("not followed: another tool took the tool id of sys.monitoring")

    def forget_events(self) -> None:
        """The tool id is given back."""
        self.events = None
        self._listening = False

    # In the service's threads

    def _on_raise(self, _code: CodeType, _offset: int, exc: BaseException) -> None:
        try:
            self._left -= 1
            frame = frame_of_event()
            fate = self._fates.get(id(exc))
            if fate is None:
                self._another(exc, frame)
            elif origin_of(exc) != fate.origin:
                self._presume(fate)
            else:
                self._come_up(fate, id(frame))
        except RecursionError:  # there is no room for anything here
            pass
        except BaseException as error:
            if not is_own(error):
                raise

    def _on_reraise(self, _code: CodeType, _offset: int, exc: BaseException) -> None:
        try:
            self._left -= 1
            fate = self._fates.get(id(exc))
            if fate is not None:
                self._close(fate, id(frame_of_event()))
                fate.stirs()
        except RecursionError:
            pass
        except BaseException as error:
            if not is_own(error):
                raise

    def _on_handled(self, code: CodeType, offset: int, exc: BaseException) -> None:
        try:
            self._left -= 1
            frame = frame_of_event()
            fate = self._fates.get(id(exc))
            if fate is not None:
                fate.stirs()
                self._enter(fate, frame, code, offset, exc)
            else:
                self._note_elsewhere(id(frame), offset, exc)
        except RecursionError:
            pass
        except BaseException as error:
            if not is_own(error):
                raise

    def _on_unwind(self, code: CodeType, _offset: int, exc: BaseException) -> None:
        try:
            self._left -= 1
            frame = frame_of_event()
            fate = self._fates.get(id(exc))
            if fate is not None:
                self._close(fate, id(frame))
                fate.stirs()
                self._leave(fate, frame, code)
            else:
                self._frame_ended(id(frame), exc)
        except RecursionError:
            pass
        except BaseException as error:
            if not is_own(error):
                raise

    def _on_return(self, _code: CodeType, _offset: int, _value: object) -> None:
        try:
            self._left -= 1
            key = id(frame_of_event())
            for fate in tuple(self._fates.values()):
                for index, handler in enumerate(fate.handlers):
                    if handler.key == key:
                        if index:
                            self._close(fate, key)
                        else:
                            self._settle(fate, Ending(True, "by", handler.spot, handler.left))
                        break
        except RecursionError:
            pass
        except BaseException as error:
            if not is_own(error):
                raise

    def _come_up(self, fate: _Followed, key: int) -> None:
        """An exception is raised, or goes on, in a frame: if not in the one that called what it left, it was kept."""
        caller = fate.caller
        if caller is not None and caller.task and caller.key != key:
            self._with_c(fate, caller)
        self._close(fate, key)
        fate.stirs()

    def _enter(self, fate: _Followed, frame: FrameType, code: CodeType, offset: int, exc: BaseException) -> None:
        """An exception comes to a handler."""
        sink = SINKS.get(name_of(code))
        handler = _Open(frame, code, offset)
        if sink is not None and sink.module == handler.module and is_standard_library(handler.module, file_of(code)):
            self._sink(fate, sink, exc)
            return
        fate.handlers.append(handler)
        if self.events is not None and code.__sizeof__() <= MAX_CODE:
            self.events.within(PART, code, self._return)
            handler.frame = frame

    def _sink(self, fate: _Followed, sink: Sink, exc: BaseException) -> None:
        if sink.stores:
            fate.stored, fate.stored_at = sink.words, native.monotonic()
        elif not (sink.passes_exits and issubclass(type(exc), (SystemExit, KeyboardInterrupt))):
            self._settle(fate, Ending(False, sink.words.format(thread=thread_name(native.get_ident()))))

    def _leave(self, fate: _Followed, frame: FrameType, code: CodeType) -> None:
        """An exception leaves a frame."""
        outer = frame.f_back
        if outer is not None:
            fate.caller = _Caller(outer, code)
            return
        name = thread_name(native.get_ident())
        spot = Spot(code, max(0, frame.f_lasti), module_of(frame))
        if ends_process(code):
            self._settle(fate, Ending(False, "ended the process"))
        else:
            fate.root = (native.get_ident(), name, spot)

    def _another(self, exc: BaseException, frame: FrameType) -> None:
        """Another exception is raised in a frame: the one that C code brought there is not on its way any more."""
        for fate in tuple(self._fates.values()):
            caller = fate.caller
            if caller is None or caller.key != id(frame):
                continue
            if id(context_of(exc)) == fate.key and type(exc) is not StopIteration:
                self._settle(fate, Ending(None, f"replaced by {qualified_name(type(exc))} in", caller.spot))
            else:
                self._with_c(fate, caller)

    def _note_elsewhere(self, key: int, offset: int, exc: BaseException) -> None:
        """Another exception comes to a handler of a frame that has one open."""
        for fate in tuple(self._fates.values()):
            for handler in fate.handlers:
                if handler.key == key:
                    handler.left = (offset, qualified_name(type(exc)))

    def _frame_ended(self, key: int, exc: BaseException) -> None:
        """Another exception leaves a frame."""
        for fate in tuple(self._fates.values()):
            if fate.handlers and fate.handlers[0].key == key:
                words = f"replaced by {qualified_name(type(exc))} in"
                self._settle(fate, Ending(None, words, fate.handlers[0].spot))
            elif fate.caller is not None and fate.caller.key == key:
                self._with_c(fate, fate.caller)
            else:
                self._close(fate, key)

    # In any thread

    def _close(self, fate: _Followed, key: int) -> None:
        """Close the handlers of a frame, and those within."""
        handlers = fate.handlers
        for index, handler in enumerate(handlers):
            if handler.key == key:
                self._let_go_of(handlers[index:])
                del handlers[index:]
                return

    def _let_go(self, fate: _Followed) -> None:
        self._let_go_of(fate.handlers)
        fate.handlers.clear()

    def _let_go_of(self, handlers: list[_Open]) -> None:
        """Hold their frames no more: as long as they are among the open ones, their return does that too."""
        codes = []
        for handler in handlers:
            if handler.frame is not None:
                handler.frame = None
                codes.append(handler.code)
        events = self.events
        for code in codes:
            if events is not None and not self._is_open(code):
                events.within(PART, code, 0)
                if self._is_open(code):  # another thread came to it meanwhile
                    events.within(PART, code, self._return)

    def _is_open(self, code: CodeType) -> bool:
        return any(
            handler.code is code and handler.frame is not None
            for fate in tuple(self._fates.values())
            for handler in tuple(fate.handlers)
        )

    def _presume(self, fate: _Followed) -> None:
        """Its place in memory has another one: nobody has it in hand any more."""
        handlers = fate.handlers[:1]
        if handlers:
            self._settle(fate, Ending(True, "by", handlers[0].spot, handlers[0].left))
        elif fate.caller is not None:
            self._with_c(fate, fate.caller)
        else:
            self._settle(fate, Ending(None, fate.stored or "not known: it vanished"))

    def _with_c(self, fate: _Followed, caller: _Caller) -> None:
        """C code has it, that was called from there; a task's keeps it."""
        if caller.task:
            if not fate.stored:
                fate.stored, fate.stored_at = "stored in task", native.monotonic()
            fate.caller = None
        else:
            self._settle(fate, Ending(None, "swallowed by C code called from", caller.spot))

    # On our thread

    def _look(self, now: float) -> None:
        self._left = min(MAX_EVENTS, self._left + int((now - self._filled) * EVENTS_A_SECOND))
        self._filled = now
        if self._left <= 0:
            self._give_up(_TOO_MANY)
        super()._look(now)

    def _judge(self, fate: _Followed, now: float) -> None:
        fate.quiet += 1
        handlers = fate.handlers[:1]
        if handlers:
            self._judge_handler(fate, handlers[0])
        elif fate.root is not None:
            self._judge_root(fate, *fate.root)
        elif fate.caller is not None:
            caller = fate.caller
            if fate.quiet >= _QUIET and caller.has_moved() and fate.caller is caller:
                self._with_c(fate, caller)
        elif fate.stored and now >= fate.stored_at + STORED:
            self._settle(fate, Ending(None, fate.stored))
        if now >= fate.since + WINDOW:
            spot = handlers[0].spot if handlers else None
            self._settle(fate, Ending(None, "not yet known: still in hand in" if spot else "not yet known", spot))

    def _judge_handler(self, fate: _Followed, handler: _Open) -> None:
        """See whether a frame has run past a handler. Its position is read in one step, and the frame let go of."""
        try:
            lasti = handler.frame.f_lasti  # type: ignore[union-attr]
        except AttributeError:
            if fate.handlers[:1] == [handler] and fate.quiet > _QUIET:
                self._settle(fate, Ending(None, "not known: too long to follow is", handler.spot))
            return
        if not self._handlers.is_in(handler.code, handler.offset, lasti):
            self._settle(fate, Ending(True, "by", handler.spot, handler.left))

    def _judge_root(self, fate: _Followed, ident: int, name: str, spot: Spot) -> None:
        """See whether the thread ended. One that was begun in C may live on."""
        if ident not in sys._current_frames():
            self._settle(fate, Ending(False, f"ended thread {name}"))
        elif fate.quiet > _GONE:
            self._settle(fate, Ending(None, "not known: it left Python for C code that had called", spot))
