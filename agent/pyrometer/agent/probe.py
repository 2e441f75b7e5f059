"""One probe in this process: what it was asked for, what happens when it is hit, and what became of it."""

from __future__ import annotations

import posix
from collections import deque
from itertools import count

from pyrometer.agent.engines import Tally
from pyrometer.agent.engines.callbacks import is_own
from pyrometer.agent.loglines import take_line
from pyrometer.agent.snapshots import lookup_in, take
from pyrometer.agent.unpatched import native
from pyrometer.agent.verdicts import Verdicts
from pyrometer.link.model import ProbeCounters, hit_event

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FrameType
    from typing import Any

    from pyrometer.agent.budget import Account
    from pyrometer.agent.engines import CallPoint, ExceptionPoint, LinePoint
    from pyrometer.agent.engines.fates import Verdict
    from pyrometer.agent.engines.following import CallEnd
    from pyrometer.agent.expressions import Expression
    from pyrometer.agent.snapshots import Recipe
    from pyrometer.agent.verdicts import Follow
    from pyrometer.link.model import ProbeSpec

PENDING, ARMED, PAUSED, EXPIRED, DONE, FAILED = "PENDING", "ARMED", "PAUSED", "EXPIRED", "DONE", "FAILED"
LIVE = (PENDING, ARMED)
"""States that are kept; PAUSED is how ARMED is shown while the governor is at work."""
MAX_ERRORS_IN_A_ROW = 10


class Probe:
    """A probe from arming to its end.

    `line_hit` and `exception_hit` run in the service's threads, without a lock: a hit takes a ticket, of which there
    are as many as hits may be delivered, and gives it back if the event was dropped. All else is done by the registry,
    under its lock.
    """

    def __init__(
        self,
        spec: ProbeSpec,
        recipe: Recipe,
        condition: Expression | None,
        *,
        owner: object,
        emit: Callable[[dict[str, Any], int], bool],
        account: Account,
        follow: Follow,
    ) -> None:
        self.spec = spec
        self.recipe = recipe
        self.condition = condition
        self.owner = owner
        self.emit = emit
        self.account = account
        self.verdicts = Verdicts(spec.probe_id, follow, emit)
        self.tally = Tally()
        self.state = PENDING
        self.reason = ""
        self.shown_state = ""
        """The state that was last told to the owner."""
        self.looked_up = 0.0
        """When its place was last looked up anew."""
        self.expires = native.monotonic() + recipe.limits.ttl
        self.codes: list[CodeType] = []
        self.lines: list[LinePoint] = []
        self.exception: ExceptionPoint | None = None
        self.calls: list[CallPoint] = []
        self.open_calls: Callable[[str, float], tuple[int, float]] = _none_open
        """Tells of the calls that are open."""
        self._last_open = (0, 0.0)
        self.open = True
        """Whether hits count; False from the last one on, before the registry has taken note."""
        self._dropped = 0
        self._rate_limited = 0
        self._captures = count()
        self._tickets = deque(range(recipe.limits.hits))
        self._deliveries = count(1)
        self._second = 0.0
        self._this_second = count()

    @property
    def is_unsettled(self) -> bool:
        """Whether it is still to be taken out of the engine, or its owner to be told its state."""
        return self.is_placed or self.state != self.shown_state

    @property
    def is_placed(self) -> bool:
        """Whether it has points, which the engine knows."""
        return bool(self.lines or self.exception or self.calls)

    def displace(self) -> None:
        """Have no points any more."""
        if self.calls:
            self._last_open = self.open_calls(self.spec.probe_id, native.perf_counter())
        self.codes, self.lines, self.exception, self.calls = [], [], None, []

    def line_hit(self, frame: FrameType) -> None:
        """The line was reached and the condition holds. Never raises but for a signal's exception."""
        self._hit(frame, None)

    def call_hit(self, frame: FrameType, end: CallEnd) -> None:
        """A call has ended and the condition holds. Never raises but for a signal's exception."""
        self._hit(frame, None, end)

    def exception_hit(self, frame: FrameType, exc: BaseException) -> None:
        """An exception of the kind is first seen in scope. Raises a signal's exception, and errors of the condition."""
        if not self.open:
            self.tally.seen -= 1  # it is over: nobody looks
            return
        if self.condition is None or self.condition.test(lookup_in(frame, exc)):
            self.tally.fired += 1
            try:
                self._hit(frame, exc)
            except RecursionError:  # no room here; the engine tries again in a frame further out
                self.tally.fired -= 1
                raise

    def finish(self, state: str, reason: str) -> None:
        """End it: hits that are on their way are inert from now on."""
        self.open = False
        self.state = state
        self.reason = reason

    def status(self, now: float) -> ProbeCounters:
        """What it did so far."""
        account, tally = self.account, self.tally
        state, reason = self.state, self.reason
        if state == ARMED and account.governed(now):
            state, reason = PAUSED, _over_budget(account.sampled_share)
        open_calls, oldest = self._open_now()
        verdicts = self.verdicts
        not_meant = verdicts.handled + verdicts.undecided if self.spec.unhandled else 0
        return ProbeCounters(
            probe_id=self.spec.probe_id,
            where=self.spec.where,
            condition=self.spec.condition,
            state=state,
            reason=reason,
            by=self.spec.by,
            reached=tally.reached,
            condition_false=tally.condition_false if self.condition is not None else 0,
            matched=max(0, tally.fired - not_meant),
            rate_limited=self._rate_limited,
            dropped=self._dropped,
            errors=tally.errors,
            last_error=tally.last_error,
            sampled_share=account.sampled_share,
            cost_ns_per_hit=account.cost * 1e9,
            cpu_share=account.cpu_share(now),
            expires_in=max(0.0, self.expires - now),
            open_calls=open_calls,
            oldest_open_call=oldest,
            handled=verdicts.handled,
            undecided=verdicts.undecided,
            last_handled=verdicts.last_handled,
        )

    def tell(self, now: float) -> None:
        """Send the state to the owner if it is another than before; what was dropped is told the next time."""
        status, before = self.status(now), self.shown_state
        if status.state != before:
            self.shown_state = status.state  # first, for another thread may be telling it too
            if not self.emit({"event": "state", "probe": self.spec.probe_id, "status": status._asdict()}, 1000):
                self.shown_state = before

    def _open_now(self) -> tuple[int, float]:
        """How many calls are open, or were when it ended, and for how long the first of them."""
        return self.open_calls(self.spec.probe_id, native.perf_counter()) if self.calls else self._last_open

    def _hit(self, frame: FrameType, exc: BaseException | None, end: CallEnd | None = None) -> None:
        if not self.open:
            return
        if exc is not None and self.spec.unhandled:
            self._keep_back(frame, exc)
            return
        ticket = self._ticket()
        if ticket is None:
            return
        try:
            kept = self._deliver(ticket, frame, exc, end)
        except MemoryError as error:  # the service's need, no mistake in the probe, which goes on
            self._tickets.append(ticket)
            if not is_own(error):
                raise
            self._dropped += 1
            return
        except BaseException:
            self._tickets.append(ticket)
            raise
        self._delivered(ticket, kept=kept)

    def _ticket(self) -> int | None:
        """The right to deliver a hit; None: not now, or not any more."""
        if not self._within_rate():
            self._rate_limited += 1
            return None
        try:
            return self._tickets.popleft()
        except IndexError:
            return None

    def _delivered(self, ticket: int, *, kept: bool) -> None:
        if not kept:
            self._dropped += 1
            self._tickets.append(ticket)
        elif next(self._deliveries) >= self.recipe.limits.hits:
            self._complete()

    def _deliver(self, ticket: int, frame: FrameType, exc: BaseException | None, end: CallEnd | None) -> bool:
        began, worked = native.perf_counter(), native.thread_time()
        try:
            name = f"{posix.getpid()}.{ticket}"
            is_line = self.recipe.template is not None
            hit, weight = take_line(self.recipe, name, frame) if is_line else take(self.recipe, name, frame, exc, end)
            if exc is not None:
                self.verdicts.promise(hit, exc)
            kept = self.emit(hit_event(self.spec.probe_id, hit), weight)
            if not kept:
                self.verdicts.retract(hit["hit_id"])
            return kept
        finally:
            self.account.captured(native.thread_time() - worked, native.perf_counter() - began)

    def _keep_back(self, frame: FrameType, exc: BaseException) -> None:
        """Capture what is delivered only if nobody handles the exception."""
        began, worked = native.perf_counter(), native.thread_time()
        try:
            hit, weight = take(self.recipe, f"{posix.getpid()}.{next(self._captures)}", frame, exc)
            if not self.verdicts.keep(hit, weight, exc, self._judge):
                self._dropped += 1
        finally:
            self.account.captured(native.thread_time() - worked, native.perf_counter() - began)

    def _judge(self, hit: dict[str, Any], weight: int, verdict: Verdict) -> None:
        """It is known what became of an exception whose hit was kept back."""
        if verdict.handled is not False:
            return
        ticket = self._ticket() if self.open else None
        if ticket is not None:
            self._delivered(ticket, kept=self.emit(hit_event(self.spec.probe_id, hit), weight))

    def _within_rate(self) -> bool:
        now = native.monotonic()
        if now >= self._second + 1.0:
            self._second, self._this_second = now, count()
        return next(self._this_second) < self.recipe.limits.rate

    def _complete(self) -> None:
        """The last hit is out. The registry takes the events away; until then the place costs next to nothing."""
        hits = self.recipe.limits.hits
        self.finish(DONE, f"delivered {hits} of {hits}")
        if self.exception is None:
            self.account.close()
        self.tell(native.monotonic())


def _none_open(_probe_id: str, _now: float) -> tuple[int, float]:
    return 0, 0.0


def _over_budget(share: float) -> str:
    """Why it is paused; `share` of the executions were looked at so far."""
    if share > 0.9999:
        return "over the budget of its process: it is switched off for a moment"
    return f"over the budget of its process: {share:.2%} of the executions are looked at"
