"""What became of exceptions: who handled them, or what they ended. They are followed from their hits on.

None of them is held, nor what they passed: the last one who lets go of a frame runs the destructors of its variables,
and that must be the service's own thread. So an exception is known by its id and by where it was raised.

The service's threads note what they come upon, as plain numbers and code objects; a thread of ours looks at that every
2 ms while there is something to follow, finds the words, and tells those who wait for them.
"""

from __future__ import annotations

from _queue import Empty

from pyrometer.agent.codes import file_of, name_of
from pyrometer.agent.engines.handlers import Handlers, line_of_handler
from pyrometer.agent.getters import traceback_of
from pyrometer.agent.threads import OWN
from pyrometer.agent.unpatched import native
from pyrometer.link.errors import LinkError
from pyrometer.link.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, TracebackType
    from typing import Any

MAX_FOLLOWED = 64
"""Exceptions that are followed at once."""
WINDOW = 5.0
"""Seconds after which it is not known what becomes of an exception."""
STORED = 0.2
"""Seconds after which one that was stored is not waited for to be raised again."""
PERIOD = 0.002
LINGER = 2.0
"""Seconds for which whatever it takes to follow stays in place after the last one."""

_MAX_WALK = 1000


class Verdict(NamedTuple):
    """What became of an exception."""

    handled: bool | None
    """None: not known."""
    why: str
    """Who handled it, what it ended, or why that is not known: what follows "handled", or "not handled:"."""


class Spot(NamedTuple):
    """A place in code."""

    code: CodeType
    offset: int
    module: str

    def __str__(self) -> str:
        """`checkout, shop/views.py:61`."""
        parts = file_of(self.code).split("/")
        depth = self.module.count(".") + 1 + (parts[-1] == "__init__.py")
        return f"{name_of(self.code)}, {'/'.join(parts[-depth:])}:{line_of_handler(self.code, self.offset)}"


class Ending(NamedTuple):
    """What the service's thread saw of an end; `words` says it, together with the spot if there is one."""

    handled: bool | None
    words: str
    spot: Spot | None = None
    left: tuple[int, str] | None = None
    """Where another exception went to in the code of the spot, and of which type it is."""


class Fate:
    """An exception that is followed, from its hit until somebody knows what became of it."""

    __slots__ = ("_claims", "asked_by", "key", "origin", "since", "stored", "tells", "thread")

    def __init__(self, exc: BaseException) -> None:
        self.key = id(exc)
        self.origin = origin_of(exc)
        self.since = native.monotonic()
        self.stored = ""
        """Where it was put for somebody to look at, perhaps: "stored in task"."""
        self.thread = native.get_ident()
        self.tells: list[Callable[[Verdict], None]] = []
        self.asked_by: list[object] = []
        """Who is told, each by what asks but once for an exception."""
        self._claims: list[None] = [None]

    def is_of(self, exc: BaseException, who: object) -> bool:
        """Whether it is that exception, and not a later one, raised where it was, that has its place in memory."""
        return self.origin == origin_of(exc) and self.thread == native.get_ident() and who not in self.asked_by

    def ask(self, tell: Callable[[Verdict], None], who: object) -> None:
        """Have somebody told."""
        self.asked_by.append(who)
        self.tells.append(tell)

    def claim(self) -> bool:
        """Whether the caller is the first to settle it, of any threads."""
        try:
            self._claims.pop()
        except IndexError:
            return False
        return True


class Fates:
    """Those of a process. An engine knows how to see what happens to them, and overrides what says so."""

    def __init__(self, start_thread: Callable[..., Any] = OWN.start) -> None:
        self._start_thread = start_thread
        self._handlers = Handlers()
        self._fates: dict[int, Any] = {}
        self._inbox: Any = native.SimpleQueue()
        self._attended = False
        self._telling = 0

    @property
    def busy(self) -> bool:
        """Whether something is followed, or known and not told yet."""
        return self._attended and (self._telling > 0 or bool(self._fates))

    def attend(self) -> None:
        """Have a thread of ours look after what is followed. Without one nothing can be."""
        if self._attended:
            return
        self._attended = True
        try:
            self._start_thread(self._work, (self._inbox,))
        except RuntimeError:
            self._attended = False

    def dismiss(self) -> None:
        """Follow nothing any more; the thread ends."""
        if not self._attended:
            return
        inbox, self._inbox = self._inbox, native.SimpleQueue()
        self._attended = False
        self._abandon()
        self._rest(for_long=True)
        inbox.put(None)

    def forget(self) -> None:
        """In the child of a fork: the thread did not come along. What it was to be told is let go of."""
        inbox, self._inbox = self._inbox, native.SimpleQueue()
        while not inbox.empty():
            inbox.get_nowait()
        self._attended = False
        self._abandon()

    def follow(self, exc: BaseException, tell: Callable[[Verdict], None], who: object) -> bool:
        """Follow an exception that has just been raised, in the thread that it was raised in. False: it can't be.

        Args:
            exc: the exception; it is not held.
            tell: called once, on a thread of ours.
            who: an object of ours, which asks once for an exception: what it asks for again is another one.
        """
        if not self._attended:
            return False
        known: Any = self._fates.get(id(exc))
        if known is not None and known.is_of(exc, who):
            known.ask(tell, who)
            return True
        if known is not None:
            self._give_place(known)
        if len(self._fates) >= MAX_FOLLOWED:
            return False
        try:
            self._begin(exc, tell, who)
        except (LinkError, ValueError):
            self._fates.pop(id(exc), None)
            return False
        self._inbox.put(None)
        return True

    def _begin(self, exc: BaseException, tell: Callable[[Verdict], None], who: object) -> None:
        """Put it among those that are followed, and have what happens to it seen. Raises LinkError, ValueError.

        Whole, with who is to be told: our thread may look at it at once.
        """
        raise NotImplementedError

    def _judge(self, fate: Any, now: float) -> None:
        """Look at one, on our thread."""
        raise NotImplementedError

    def _presume(self, fate: Any) -> None:
        """It is gone, since another one has its place in memory."""
        raise NotImplementedError

    def _give_place(self, fate: Any) -> None:
        """Settle one whose place in memory another one has: whoever waits for it must hear of it now, or never will."""
        self._presume(fate)
        self._settle(fate, Ending(None, fate.stored or "not known: it vanished"))

    def _let_go(self, fate: Any) -> None:
        """Hold nothing for it any more."""
        raise NotImplementedError

    def _rest(self, *, for_long: bool) -> None:
        """Nothing is followed at the moment, or has been for long."""
        raise NotImplementedError

    def _settle(self, fate: Any, ending: Ending) -> None:
        """It is known what became of it. In any thread."""
        if not fate.claim():
            return
        self._telling += 1
        self._let_go(fate)
        if self._fates.get(fate.key, self) is fate:
            self._fates.pop(fate.key, None)
        self._inbox.put((fate, ending))

    def _give_up(self, why: str) -> None:
        for fate in tuple(self._fates.values()):
            self._settle(fate, Ending(None, why))

    def _abandon(self) -> None:
        for fate in tuple(self._fates.values()):
            fate.claim()
            self._let_go(fate)
        self._fates.clear()
        self._telling = 0
        # Code of ours leads back to us, and the garbage collector does not look into code, nor in a child at what its
        # parent's threads held: this is where that ends.
        self._handlers = Handlers()

    def _work(self, inbox: Any) -> None:
        """The thread: parked while nothing is followed."""
        active = False
        while inbox is self._inbox:
            if self._fates:
                native.sleep(PERIOD)  # to wait in the queue would raise an exception each time
            came = self._hear(inbox, LINGER if active else None)
            if not (came or self._fates) and active:
                self._rest(for_long=True)
                active = False
                continue
            active = True
            self._look(native.monotonic())
            if not self._fates:
                self._rest(for_long=False)

    def _hear(self, inbox: Any, patience: float | None) -> bool:
        """Tell what is known; False: nothing came. While exceptions are followed nothing is waited for.

        What it names is let go of when it returns: a thread that is parked must hold nothing of the service's.
        """
        if self._fates and inbox.empty():
            return False
        try:
            item = inbox.get(timeout=patience)
        except Empty:
            return False
        if item is not None:
            self._tell(*item)
        return True

    def _look(self, now: float) -> None:
        for fate in tuple(self._fates.values()):
            try:
                self._judge(fate, now)
            except Exception as error:  # a defect of ours: the others are followed on
                self._settle(fate, Ending(None, f"not known: {type(error).__name__} in pyrometer"))

    def _tell(self, fate: Any, ending: Ending) -> None:
        try:
            verdict = self._worded(fate, ending)
        except Exception as error:
            verdict = Verdict(None, f"not known: {type(error).__name__} in pyrometer")
        for tell in fate.tells:
            tell(verdict)
        self._telling = max(0, self._telling - 1)

    def _worded(self, fate: Any, ending: Ending) -> Verdict:
        handled, words, spot, left = ending
        if left is not None and spot is not None and not self._handlers.has(spot.code, spot.offset, left[0]):
            handled, words = None, f"replaced by {left[1]} in"
        why = f"{words} {spot}" if spot is not None else words
        if fate.stored and handled is not False and why != fate.stored:
            return Verdict(None, f"{fate.stored}, then {'handled ' if handled else ''}{why}")
        return Verdict(handled, why)


def origin_of(exc: BaseException) -> tuple[int, int, int]:
    """Where an exception was raised first, to tell it from another one that has its place in memory."""
    entry: TracebackType | None = traceback_of(exc)
    last = entry
    for _ in range(_MAX_WALK):
        if entry is None:
            break
        last, entry = entry, entry.tb_next
    return (0, 0, id(type(exc))) if last is None else (id(last.tb_frame), last.tb_lasti, id(type(exc)))
