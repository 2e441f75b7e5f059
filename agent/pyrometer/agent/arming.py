"""The probes of this process as those who only look see them: none, until the first is armed.

What probes need, half of our modules, runs then and not before: a first look would pay for it in every process.
"""

from __future__ import annotations

from pyrometer.agent.unpatched import native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from pyrometer.agent.probes import Registry
    from pyrometer.link.model import ProbeCounters, ProbeSpec


class Arming:
    """Passes on to the registry, whose methods say what these do, once `make` has made one."""

    def __init__(self, make: Callable[[], Registry]) -> None:
        self._make = make
        self._lock = native.allocate_lock()  # guards the making; taken on the agent's threads only
        self._registry: Registry | None = None

    def arm(self, spec: ProbeSpec, owner: object, emit: Callable[[dict[str, Any], int], bool]) -> ProbeCounters:
        """Arm a probe. Raises LinkError, and what importing raises."""
        with self._lock:
            registry = self._registry = self._registry or self._make()
        return registry.arm(spec, owner, emit)

    def disarm(self, probe_ids: Iterable[str], may: Callable[[object], bool] | None = None) -> list[str]:
        """Remove probes; returns those that were there."""
        return [] if self._registry is None else self._registry.disarm(probe_ids, may)

    def release(self, owner: object) -> None:
        """Remove all probes of an owner."""
        if self._registry is not None:
            self._registry.release(owner)

    def statuses(self) -> list[ProbeCounters]:
        """What each probe did."""
        return [] if self._registry is None else self._registry.statuses()

    @property
    def armed(self) -> bool:
        """Whether there is any probe."""
        return self._registry is not None and self._registry.armed

    def tick(self, now: float) -> float | None:
        """See to what time brings; returns when to call again."""
        return None if self._registry is None else self._registry.tick(now)

    def reset_after_fork(self) -> None:
        """In the child: nothing fires any more, and the locks are new. Never raises."""
        self._lock = native.allocate_lock()
        if self._registry is not None:
            self._registry.reset_after_fork()

    def give_back(self) -> None:
        """In the child: leave the functions as they were."""
        if self._registry is not None:
            self._registry.give_back()
