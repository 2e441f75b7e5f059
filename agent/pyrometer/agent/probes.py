"""The registry of probes: who armed what, from arming to the end, and what the engine is to make of it all.

Its lock is taken on the agent's threads only. Places are looked up before it is taken, since that is slow; what the
service's threads touch (tallies, tickets, meters) needs none.
"""

from __future__ import annotations

import atexit
import sys

from pyrometer.agent import engines, frames
from pyrometer.agent.budget import Account, Governor
from pyrometer.agent.engines.callbacks import forget_threads
from pyrometer.agent.expressions import compile_expression
from pyrometer.agent.loglines import compile_template, warm_up_line
from pyrometer.agent.placing import (
    REWRITES,
    Found,
    call_points,
    check_policy,
    check_text,
    exception_point,
    line_points,
    resolve,
)
from pyrometer.agent.probe import ARMED, EXPIRED, FAILED, LIVE, MAX_ERRORS_IN_A_ROW, PENDING, Probe
from pyrometer.agent.scopes import closed
from pyrometer.agent.snapshots import Recipe, warm_up
from pyrometer.agent.unpatched import native
from pyrometer.guard.redaction import Redactor
from pyrometer.link.errors import BadRequest, BudgetExceeded, EngineUnavailable, LinkError

if sys.version_info >= (3, 12):  # the process may not be able to import anything any more when it is needed
    import pyrometer.agent.engines.monitoring
else:
    import pyrometer.agent.engines.bytecode  # noqa: F401

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from pyrometer.agent.engines import Engine, Placement
    from pyrometer.agent.engines.fates import Verdict
    from pyrometer.guard.policy import Policy
    from pyrometer.link.model import ProbeCounters, ProbeSpec

MAX_PROBES = 50
"""Probes of one process that are pending or armed."""
MAX_KEPT = 400
"""Probes that are kept, ended ones included, until their owner lets go of them."""
MAX_ARMS = 500
"""Arming and disarming that may come at once; after that, ARMS_A_SECOND."""
ARMS_A_SECOND = 50.0
TICK = 0.25
"""Seconds between two ticks while anything is armed."""
MAX_TELLING = 0.5
"""Seconds that the end of the process waits for what becomes of the exceptions that are followed."""
MAX_LEAVING = 1.0
"""Seconds that the end of the process waits for an arming that is under way."""
_OWNERSHIP = 1.0
"""Seconds between two looks at whether the engine still has what it took."""
_HEEDED = 1.0
"""Seconds between two looks at whether the owner's policy is still the one that all was armed under."""
_REFRESH = 1.0
"""Seconds between two new look-ups of a place that is armed: a module may have been loaded again."""
_IMPORTING = 2.0
"""Seconds after the last change of `sys.modules` during which a pending place is looked up at each tick."""

_EXCEPTIONS = "exceptions"
_CHANGED = "the owner's policy is another one than it was armed under: arm it again"


class Registry:
    """All probes of this process. `arm` to `tick` may be called from any thread of the agent's.

    Args:
        policy_of: reads the owner's policy as it is now.
        engine_factory: makes the engine when the first probe is armed.
        farewell: called at the end of the process, while its links still live: waits, not for long, until what was
            emitted has gone out.
    """

    def __init__(
        self,
        policy_of: Callable[[], Policy],
        engine_factory: Callable[[], Engine] = engines.choose,
        farewell: Callable[[], None] = lambda: None,
    ) -> None:
        self._farewell = farewell
        self._policy_of = policy_of
        self._engine_factory = engine_factory
        self._engine: Engine | None = None
        self._lock = native.allocate_lock()
        self._probes: dict[str, Probe] = {}
        self._governor = Governor(self._pause)
        self._exceptions = Account(self._governor, _EXCEPTIONS)
        self._arms = float(MAX_ARMS)
        self._arms_at = native.monotonic()
        self._policy: Policy | None = None
        """What all that is armed was armed under."""
        self._owned_at = self._refreshed_at = self._heeded_at = 0.0
        self._modules = self._rewritten = 0
        self._modules_at = 0.0
        self._ending = False

    def arm(self, spec: ProbeSpec, owner: object, emit: Callable[[dict[str, Any], int], bool]) -> ProbeCounters:
        """Arm a probe for an owner; PENDING where its place is not loaded yet.

        Args:
            owner: whose probe it is, by identity: a link.
            emit: takes an event and about how many bytes it is, without blocking; False: it was dropped.

        Raises:
            LinkError: the policy, a limit, the place or the engine refuses; nothing is armed then.
        """
        policy = self._policy_of()
        check_policy(spec, policy)
        with self._lock:
            self._check_room(spec)
        probe = self._make(spec, policy, owner, emit)
        found = check_text(spec, resolve(spec, policy, everywhere=True))
        frames.prepare()
        warm_up(probe.recipe, found.codes)
        if probe.recipe.template is not None:
            warm_up_line(probe.recipe)
        with self._lock:
            self._check_room(spec)
            if policy != self._policy:
                self._policy = policy
                self._fail_all(_CHANGED)
            self._probes[spec.probe_id] = probe
            try:
                self._place(probe, found)
                self._arrange(new=probe)
            except BaseException:
                self._remove([probe])
                raise
            probe.shown_state = probe.state
            return probe.status(native.monotonic())

    def disarm(self, probe_ids: Iterable[str], may: Callable[[object], bool] | None = None) -> list[str]:
        """Remove probes: anybody's, or of those owners that `may` names. Returns the ids of those that were there."""
        with self._lock:
            named = [self._probes[name] for name in probe_ids if name in self._probes]
            gone = [probe for probe in named if may is None or may(probe.owner)]
            self._remove(gone)
            return [probe.spec.probe_id for probe in gone]

    def release(self, owner: object) -> None:
        """Remove all probes of an owner who is gone."""
        with self._lock:
            self._remove([probe for probe in self._probes.values() if probe.owner is owner])

    def statuses(self) -> list[ProbeCounters]:
        """What each probe did, those included that have ended and whose owner has not let go of them."""
        now = native.monotonic()
        with self._lock:
            return [probe.status(now) for probe in self._probes.values()]

    @property
    def armed(self) -> bool:
        """Whether there is any probe, which the service's threads may come upon."""
        return bool(self._probes)

    def tick(self, now: float) -> float | None:
        """See to what time brings: ends, imports, lost engines, budgets.

        Args:
            now: seconds of the monotonic clock.

        Returns:
            Seconds until it wants to be called again; None: nothing is armed.
        """
        if not self._lock.acquire(False):
            return TICK  # another thread is at it, or arms something
        try:
            if not any(probe.state in LIVE or probe.is_unsettled for probe in self._probes.values()):
                return None
            self._end_some(now)
            self._check_ownership(now)
            waiting = self._to_look_up(now)
            for account in self._accounts():
                account.settle()
                account.rescue()
        finally:
            self._lock.release()
        self._heed_policy(now)
        self._look_up(waiting)
        self._governor.tend()
        with self._lock:
            for probe in self._probes.values():
                probe.tell(now)
        return TICK

    def reset_after_fork(self) -> None:
        """In the child: nothing fires any more, and the locks are new. Never raises.

        Quick, since the child waits for it: what is still in functions is inert, and `give_back` takes it out later.
        """
        self._lock = native.allocate_lock()
        self._governor.forget()
        if self._engine is not None:
            self._engine.fates.forget()
        forget_threads()
        probes, self._probes = self._probes, {}
        for probe in probes.values():
            probe.finish(EXPIRED, "the process is a child of the one it was armed in")
            probe.account.close()
        self._exceptions = Account(self._governor, _EXCEPTIONS)
        catching = [probe.spec.probe_id for probe in probes.values() if probe.exception is not None]
        try:
            if self._engine is not None and catching:
                self._engine.pause(catching[0], paused=True)  # they are one callback
        except Exception:  # their meter is at 0 all the same
            pass

    def give_back(self) -> None:
        """In the child, on a thread of ours: leave the functions as they were, unless something is armed by now."""
        with self._lock:
            if self._engine is not None and not self._probes:
                try:
                    self._engine.arrange([], [])
                except Exception:  # it could not take anything back; it makes a new start at the next arming
                    self._engine = None

    def _leave(self) -> None:
        """At the interpreter's exit: hold nothing of the service's, or its modules would not be cleared as they are.

        A file among their globals would not be flushed then, and no `__del__` run. What the process dies of is told
        first.
        """
        self._tell_the_last()
        if not self._lock.acquire(True, MAX_LEAVING):
            return
        try:
            self._ending = True
            for probe in self._probes.values():
                probe.finish(EXPIRED, "the process ends")
            self._probes = {}
            if self._engine is not None:
                self._engine.leave()
        except Exception:  # the process ends as it would without us
            pass
        finally:
            self._lock.release()

    def _tell_the_last(self) -> None:
        """Let those who watch hear of exceptions that have just come to their end, the process's own among them."""
        until = native.monotonic() + MAX_TELLING
        engine = self._engine
        while engine is not None and engine.fates.busy and native.monotonic() < until:
            native.sleep(0.001)
        try:
            self._farewell()
        except Exception:  # the process ends as it would without us
            pass

    def _make(
        self, spec: ProbeSpec, policy: Policy, owner: object, emit: Callable[[dict[str, Any], int], bool]
    ) -> Probe:
        redactor = Redactor.from_policy(policy)
        limits = spec.limits._replace(
            hits=min(spec.limits.hits, policy.max_hits), ttl=min(spec.limits.ttl, policy.max_ttl)
        )
        condition = compile_expression(spec.condition, redactor, condition=True) if spec.condition else None
        expressions = [compile_expression(text, redactor) for text in spec.expressions]
        template = compile_template(spec.template, redactor) if spec.template else None
        self._governor.share = policy.cpu_share
        account = Account(self._governor, _EXCEPTIONS if spec.exception is not None else spec.probe_id)
        shape = policy.values == "shape"
        recipe = Recipe(
            limits, redactor, shape, closed(policy.forbids_module), expressions, template, pay=account.described
        )
        if spec.watch is not None:
            recipe = recipe._replace(locals=spec.watch.locals)
        return Probe(spec, recipe, condition, owner=owner, emit=emit, account=account, follow=self._follow)

    def _follow(self, exc: BaseException, tell: Callable[[Verdict], None], who: object) -> bool:
        """Have somebody told what becomes of an exception. In the service's thread; False: it can't be followed."""
        engine = self._engine
        return engine is not None and engine.fates.follow(exc, tell, who)

    def _check_room(self, spec: ProbeSpec) -> None:
        if self._ending:
            raise EngineUnavailable("the process is about to end")
        now = native.monotonic()
        self._arms = min(MAX_ARMS, self._arms + (now - self._arms_at) * ARMS_A_SECOND)
        self._arms_at = now
        if self._arms < 1:
            raise BudgetExceeded(
                "probes are armed and disarmed too often in this process", next="try again in a second"
            )
        if spec.probe_id in self._probes:
            raise BadRequest(f"a probe of the id {spec.probe_id} is armed already")
        if sum(probe.state in LIVE for probe in self._probes.values()) >= MAX_PROBES:
            raise BudgetExceeded(
                f"{MAX_PROBES} probes are armed in this process already", next="remove some: pyrometer probes rm"
            )
        ended = [name for name, probe in self._probes.items() if probe.state not in LIVE]
        for name in ended[: max(0, len(self._probes) - MAX_KEPT)]:
            del self._probes[name]

    def _place(self, probe: Probe, found: Found) -> None:
        """Give a probe its points; PENDING if there is no place for them yet."""
        if probe.spec.exception is not None:
            if not any(other.exception is not None for other in self._probes.values()):
                self._exceptions = probe.account
            probe.account = self._exceptions
            probe.exception = exception_point(probe, found)
            probe.state, probe.reason = ARMED, found.note
            return
        probe.codes = found.codes
        if probe.spec.watch is not None:
            probe.calls = call_points(probe, found)
        else:
            probe.lines = line_points(probe, found)
        probe.state, probe.reason = ARMED if found.codes else PENDING, found.note

    def _arrange(self, new: Probe | None = None) -> None:
        """Make the engine match what is live."""
        live = [probe for probe in self._probes.values() if probe.state in LIVE or probe.verdicts.awaited]
        lines = [point for probe in live for point in probe.lines]
        exceptions = [probe.exception for probe in live if probe.exception is not None]
        calls = [point for probe in live for point in probe.calls]
        self._arms -= 1
        if self._engine is None:
            if not lines and not exceptions and not calls:
                return
            self._engine = self._engine_factory()
            atexit.register(self._leave)
        if exceptions and self._exceptions.switched_off is None and self._exceptions.meter.left <= 0:
            self._exceptions.allow(native.monotonic())
        for probe in live:
            probe.open_calls = self._engine.open_calls
        self._note(self._engine.arrange(lines, exceptions, calls), new)

    def _note(self, placements: Sequence[Placement], new: Probe | None) -> None:
        """Take over what the engine says of each probe; what was just asked for and can't be is refused."""
        for placement in placements:
            probe = self._probes.get(placement.probe_id)
            if probe is None:
                continue
            if placement.error and probe is new:
                raise EngineUnavailable(placement.error)
            if placement.error:
                probe.finish(FAILED, placement.error)
            elif placement.note and placement.note not in probe.reason:
                probe.reason = "; ".join(filter(None, [probe.reason, placement.note]))

    def _remove(self, gone: Sequence[Probe]) -> None:
        for probe in gone:
            was = probe.state
            probe.finish(was if was not in LIVE else EXPIRED, probe.reason if was not in LIVE else "disarmed")
            probe.verdicts.forget()
            self._probes.pop(probe.spec.probe_id, None)
        self._take_away(gone)

    def _take_away(self, gone: Sequence[Probe]) -> None:
        """Make probes that have ended leave the engine."""
        for probe in gone:
            if probe.exception is None:
                probe.account.close()
            probe.displace()
        if gone:
            try:
                self._arrange()
            except LinkError as error:
                self._fail_all(error.message)

    def _end_some(self, now: float) -> None:
        """End what is over: by its hits, its time, or its errors."""
        for probe in self._probes.values():
            if probe.state not in LIVE:
                continue
            if now >= probe.expires:
                probe.finish(EXPIRED, f"{probe.recipe.limits.ttl:g} s are over")
            elif probe.tally.in_a_row >= MAX_ERRORS_IN_A_ROW:
                probe.finish(FAILED, f"{MAX_ERRORS_IN_A_ROW} errors in a row: {probe.tally.last_error}")
        ended = [probe for probe in self._probes.values() if probe.state not in LIVE]
        # Exceptions are followed for as long as one is watched.
        self._take_away([probe for probe in ended if probe.is_placed and not probe.verdicts.awaited])

    def _heed_policy(self, now: float) -> None:
        """End what the owner's present policy might not have let pass, or would have show less."""
        if now < self._heeded_at + _HEEDED:
            return
        self._heeded_at = now
        try:
            policy = self._policy_of()
        except LinkError as error:
            reason = error.message
        else:
            if policy == self._policy:
                return
            reason = _CHANGED
        with self._lock:
            self._fail_all(reason)

    def _check_ownership(self, now: float) -> None:
        if self._engine is None or now < self._owned_at + _OWNERSHIP:
            return
        self._owned_at = now
        if not self._engine.owned():
            self._fail_all("another tool took the tool id of sys.monitoring (TOOL_ID_LOST); nothing is taken back")

    def _fail_all(self, reason: str) -> None:
        for probe in self._probes.values():
            if probe.state in LIVE:
                probe.finish(FAILED, reason)
                probe.displace()
        if self._engine is not None:
            try:
                self._engine.arrange([], [])
            except LinkError:
                pass

    def _to_look_up(self, now: float) -> list[Probe]:
        """Probes whose place should be looked up: pending ones after imports, and now and then an armed one."""
        count = len(sys.modules)
        if count != self._modules:
            self._modules, self._modules_at = count, now
        live = [probe for probe in self._probes.values() if probe.state in LIVE]
        found: list[Probe] = []
        if REWRITES and count != self._rewritten and now >= self._modules_at + _REFRESH:
            self._rewritten = count
            found += [probe for probe in live if probe.exception is not None]
        due = now >= self._refreshed_at + _REFRESH
        if due or now < self._modules_at + _IMPORTING:
            found += [probe for probe in live if probe.state == PENDING]
        if due:
            self._refreshed_at = now
            found += _next_turn([probe for probe in live if probe.codes], now)
        return found

    def _look_up(self, waiting: Sequence[Probe]) -> None:
        for probe in waiting:
            try:
                found: Found | LinkError = resolve(probe.spec, self._policy_of(), everywhere=False)
            except LinkError as error:
                found = error
            with self._lock:
                if self._probes.get(probe.spec.probe_id) is probe and probe.state in LIVE:
                    self._move(probe, found)

    def _move(self, probe: Probe, found: Found | LinkError) -> None:
        """Follow what was found anew. An armed probe stays where it is if its place seems to be gone."""
        if isinstance(found, LinkError):
            if probe.state == PENDING:
                probe.finish(FAILED, " ".join(filter(None, [found.message, found.next])))
                self._take_away([probe])
            return
        if probe.exception is not None:
            if len(found.functions) == len(probe.exception.functions):
                return
        elif not found.codes or {id(code) for code in found.codes} == {id(code) for code in probe.codes}:
            return
        self._place(probe, found)
        try:
            self._arrange()
        except LinkError as error:
            self._fail_all(error.message)

    def _accounts(self) -> list[Account]:
        return [
            self._exceptions,
            *(p.account for p in self._probes.values() if p.exception is None and p.state in LIVE),
        ]

    def _pause(self, key: str, *, paused: bool) -> None:
        with self._lock:
            if self._engine is None:
                return
            if key == _EXCEPTIONS:
                key = next((p.spec.probe_id for p in self._probes.values() if p.exception is not None), "")
            if key in self._probes:
                self._engine.pause(key, paused=paused)


def _next_turn(armed: list[Probe], now: float) -> list[Probe]:
    """One of the armed probes, each time another: the one whose look-up is the longest ago."""
    if not armed:
        return []
    first = min(armed, key=lambda probe: probe.looked_up)
    first.looked_up = now
    return [first]
