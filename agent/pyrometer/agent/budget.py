"""The governor: all probes together may spend a small share of one core, in time and not in hits.

The budget is one account of seconds, filled at the rate of the share and drawn on by every probe. A probe gets an
allowance of events; when it has used that up it pays, and goes on at once if the account can bear it. If not, its
events stay switched off until there is enough for another allowance: so the hottest line of a service is looked at for
a millisecond, ten times a second. The first allowances are small, since what an event costs has yet to be learnt.

Nothing here takes a lock that the service's threads could wait for. What they write are single numbers, between two
of which the interpreter does not switch threads.
"""

from __future__ import annotations

from _queue import Empty
from collections import deque

from pyrometer.agent.engines import Meter, line_costs
from pyrometer.agent.engines.callbacks import is_own
from pyrometer.agent.threads import OWN
from pyrometer.agent.unpatched import native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    class Pause(Protocol):
        """What the governor asks for."""

        def __call__(self, key: str, *, paused: bool) -> None:
            """Switch the events of an account off or on, by its key."""


PERIOD = 0.1
"""Seconds of the budget that one allowance is worth: what a hot probe waits between two looks."""
RESERVE = 0.5
"""Seconds of the budget that are kept while nobody draws on it."""
MAX_DEBT = 5.0
"""Seconds of the budget that may be owed: no probe waits longer than this for what hits of another one cost, which
may be over by then."""
LINGER = 5.0
"""Seconds without work after which the governor's thread ends."""
GOVERNED = 2.0
"""Seconds for which a probe counts as governed after it was switched off."""

_FIRST_ALLOWANCE = 8
_SMALLEST = 10
_LARGEST = 200_000
_FIRST_GUESS = 0.5e-6
_SHORTEST = 20e-9
_SAMPLES = 5


class Account:
    """What one probe, or all exception probes together, take from the budget."""

    def __init__(self, governor: Governor, key: str) -> None:
        """Open an account; `key` is what `Engine.pause` is called with."""
        self.key = key
        self.meter = Meter(_FIRST_ALLOWANCE, self._spent)
        self.cost = _FIRST_GUESS
        """Seconds of one event, as far as is known."""
        self.total = 0.0
        """Seconds spent since it was opened."""
        self.switched_off: float | None = None
        """When the governor took note that its events are off; None: they are on."""
        self.event_cost = line_costs.EVENT
        """Seconds that the interpreter takes for an event, on top of what a callback can time itself."""
        self.toll = 0.0
        """Seconds that the other lines take, once each, when the events are switched on."""
        self.closed = False
        self.comes_in_pairs = False
        """Whether events lie close together in twos: then it is time that tells what share of them was looked at."""
        self._off = 0.0
        self._governor = governor
        self._opened = self._since = governor.clock()
        self._allowance = _FIRST_ALLOWANCE
        self._missed = 0.0
        self._capture = 0.0
        self._step = _FIRST_GUESS
        self._governed_until = 0.0
        self._stuck = 0
        self._samples: deque[float] = deque(maxlen=_SAMPLES)

    @property
    def sampled_share(self) -> float:
        """Share of the executions that were looked at; an estimate once events have been switched off."""
        seen = self.meter.used
        if self.comes_in_pairs:
            return 1.0 - self._off / max(self._governor.clock() - self._opened, self._off, _SHORTEST)
        return 1.0 if not self._missed else seen / (seen + self._missed)

    def cpu_share(self, now: float) -> float:
        """Share of one core since it was opened."""
        return self.total / max(now - self._opened, 1.0)

    def governed(self, now: float) -> bool:
        """Whether its events are, or lately were, switched off."""
        return self.switched_off is not None or now < self._governed_until

    def captured(self, seconds: float, elapsed: float) -> None:
        """Pay for a hit. In the service's thread; an account in debt ends the allowance with the next event.

        Args:
            seconds: what the thread worked, which is what a hit costs.
            elapsed: how long it took. The thread may have waited for its processor, or for the others' turns.
        """
        self.total += seconds
        self._capture = elapsed
        if not self._governor.pay(seconds, self._governor.clock()):
            self.settle()
            self._allowance = min(1, self.meter.left)
            self.meter.give(self._allowance)

    def described(self, seconds: float) -> None:
        """Pay for what is done about a hit later, on a thread of ours. The next hit or allowance feels it."""
        self.total += seconds
        self._governor.pay(seconds, self._governor.clock())

    def owe(self, events: int) -> None:
        """Pay for events that came while the allowance was used up. In the service's thread."""
        self.described(events * self.cost)

    def settle(self) -> None:
        """Pay for the events since the last time."""
        now = self._governor.clock()
        left = max(self.meter.left, 0)
        used, self._allowance = max(self._allowance - left, 0), left
        elapsed, self._since = now - self._since, now
        if used:
            self._step = elapsed / used
            self.cost = max(_SHORTEST, min(self.cost, self._step))  # what comes every µs takes no more than that
        charge = min(elapsed, used * self.cost)
        self.total += charge
        self._governor.pay(charge, now)

    def rescue(self) -> None:
        """See, now and then, that an account that is off is known to be.

        A signal's exception may have come between the end of an allowance and our hearing of it.
        """
        self._stuck = self._stuck + 1 if self._is_off() else 0
        if self._stuck > 1:
            self._governor.line_up(self)

    def close(self) -> None:
        """End it: no more allowances."""
        self.closed = True
        self.meter.give(0)

    def allow(self, now: float) -> None:
        """Give the next allowance. What was missed meanwhile is told from how quickly the last one was used up."""
        if self.switched_off is not None:
            step = max(self._step - self.cost, self._step / 5, _SHORTEST)
            self._missed += (now - self.switched_off) / step
            self._off += now - self.switched_off
            self.switched_off = None
            self._governed_until = now + GOVERNED
        allowance = int(self._governor.quantum / self.cost)
        self._since = now
        self._allowance = max(_SMALLEST, min(_LARGEST, allowance))
        self.meter.give(self._allowance)

    def _is_off(self) -> bool:
        return self.meter.left <= 0 and self.switched_off is None and not self.closed

    def _spent(self, seconds: float) -> None:
        """The allowance is used up; its last event took so long. In the service's thread."""
        try:
            seconds -= min(seconds, self._capture)  # which was paid for
            self._capture = 0.0
            self._samples.append(seconds + self.event_cost)
            # The median, of two the lower: a thread may lose its processor in the middle of an event.
            self.cost = sorted(self._samples)[(len(self._samples) - 1) // 2]
            self.settle()
            if not self.closed:
                self._governor.ask(self)
        except BaseException as error:
            if not is_own(error):
                raise


class Governor:
    """Keeps the accounts under the share. `pause` is called in the governor's own thread or in one that tends it."""

    def __init__(
        self,
        pause: Pause,
        *,
        clock: Callable[[], float] = native.monotonic,
        work_clock: Callable[[], float] = native.thread_time,
        start_thread: Callable[..., Any] = OWN.start,
    ) -> None:
        self.clock = clock
        self.share = 0.01
        self._work_clock = work_clock
        self._pause = pause
        self._start_thread = start_thread
        self._funds = RESERVE * self.share
        self._filled = clock()
        self._asking: Any = native.SimpleQueue()
        self._waiting: list[Account] = []
        self._thread: int | None = None

    @property
    def quantum(self) -> float:
        """Seconds of work that one allowance is worth."""
        return self.share * PERIOD

    @property
    def threads(self) -> set[int]:
        """Idents of the governor's own thread, while there is one."""
        return {self._thread} if self._thread else set()

    def pay(self, seconds: float, now: float) -> bool:
        """Draw on the budget; False: it is in debt."""
        funds = min(RESERVE * self.share, self._funds + (now - self._filled) * self.share) - seconds
        self._filled = now
        self._funds = max(funds, -MAX_DEBT * self.share)
        return funds > 0

    def ask(self, account: Account) -> None:
        """Give an account its next allowance now, or when there is enough for it."""
        now = self.clock()
        if self.pay(0.0, now):
            account.allow(now)
        else:
            self.line_up(account)

    def line_up(self, account: Account) -> None:
        """Have an account wait for its turn. Any thread may call it, inside a callback too."""
        self._asking.put(account)

    def tend(self) -> None:
        """See that somebody attends to those who wait: a thread of ours, or, where none can be had, the caller."""
        if self._thread is not None or (not self._waiting and self._asking.empty()):
            return
        self._thread = 0
        try:
            self._start_thread(self._work, ())
        except RuntimeError:
            self._thread = None
            self.turn()

    def turn(self) -> float | None:
        """Note who is switched off, and switch on again whom the budget can bear.

        Returns:
            Seconds until there is enough for the next one; None: nobody waits.
        """
        self._note_asking()
        while self._waiting:
            now = self.clock()
            self.pay(0.0, now)
            lacking = self.quantum - self._funds
            if lacking > 0:
                return lacking / self.share
            self._switch_on(self._waiting.pop(0))
        return None

    def forget(self) -> None:
        """In the child of a fork: the thread did not come along, and its queue's lock may have been held."""
        self._asking = native.SimpleQueue()
        self._waiting = []
        self._thread = None

    def _note_asking(self) -> None:
        while True:
            try:
                account = self._asking.get_nowait()
            except Empty:
                return
            if account not in self._waiting and not account.closed and account.meter.left <= 0:
                account.switched_off = self.clock()
                self._waiting.append(account)
                self._pause(account.key, paused=True)

    def _switch_on(self, account: Account) -> None:
        """Give an allowance and switch the events on, which is paid for too: it takes 20 µs, more in long functions."""
        began = self._work_clock()
        if account.closed:
            return
        account.allow(self.clock())
        self._pause(account.key, paused=False)
        took = self._work_clock() - began + account.toll
        account.total += took
        self.pay(took, self.clock())

    def _work(self) -> None:
        """The thread: parked while nobody waits, gone after a while."""
        asking = self._asking
        self._thread = native.get_ident()
        try:
            while asking is self._asking:
                wait = self.turn()
                try:
                    account = asking.get(timeout=LINGER if wait is None else min(wait, 1.0))
                except Empty:
                    if wait is None:
                        return
                else:
                    asking.put(account)
        except Exception:  # a defect of ours: the next tick starts another thread
            pass
        finally:
            if asking is self._asking:
                self._thread = None
