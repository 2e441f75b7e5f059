"""What a process uses in a window of time, as values; and of what is not known, why."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pyrometer.link.errors import LinkClosed
from pyrometer.server import cgroups, kernel
from pyrometer.server.roster import Process
from pyrometer.server.stacks import Frame

_MAX_LOOPS = 100
_NO_PAUSES = "this Python does not count how long collections take (3.15 does)"
_ANOTHER_LOOP = "it is not asyncio's own: what its callbacks are can't be seen"
_OF_A_QUOTA = tuple(
    f"cgroup.{name}" for name in ("quota_cores", "periods", "throttled_periods", "throttled_seconds", "throttled_share")
)
_OF_A_LIMIT = tuple(f"cgroup.{name}" for name in ("memory_limit_bytes", "memory_used_bytes", "memory_left_bytes"))


@dataclass(frozen=True)
class Collector:
    """The garbage collector's figures since the start, by generation; `pause`: seconds, None where nobody counts."""

    enabled: bool
    counts: tuple[int, ...]
    collections: tuple[int, ...]
    collected: int
    uncollectable: int
    pause: float | None


@dataclass(frozen=True)
class Loop:
    """An event loop in the window: `lag` seconds, None where it can't be told; `busy`: share of the looks."""

    thread: str
    native_id: int
    lag: float | None
    busy: float
    looks: int
    frames: tuple[Frame, ...]


@dataclass(frozen=True)
class Vitals:
    """What the agent says of its process."""

    collector: Collector
    loops: tuple[Loop, ...]
    probes: int


@dataclass(frozen=True)
class Allowance:
    """What the control groups allow; `throttled_share` is that of the window's periods."""

    throttling: cgroups.Throttling | None
    throttled_share: float | None
    memory: cgroups.Memory | None
    oom_kills: int | None


@dataclass(frozen=True)
class ProcessMetrics:
    """A process in one window. `unknown`: why a field is None, by the field's name in the documents."""

    process: Process
    time: float
    """Seconds since the epoch, at the window's end."""
    window: float
    allowance: Allowance
    times: tuple[float, float] | None
    delay_percent: float | None
    peak_rss: int | None
    swap: int | None
    descriptors: int | None
    descriptor_limit: int | None
    vitals: Vitals | None = None
    prefixes: tuple[str, ...] = ()
    unknown: dict[str, str] = field(default_factory=dict)


def throttled_share(before: cgroups.Throttling | None, after: cgroups.Throttling | None) -> float | None:
    """Share of the periods between two readings in which the group was stopped; None: there were none to count."""
    if before is None or after is None:
        return None
    if None in (before.periods, after.periods, before.throttled, after.throttled):
        return None
    periods = (after.periods or 0) - (before.periods or 0)
    throttled = (after.throttled or 0) - (before.throttled or 0)
    return min(1.0, max(0.0, throttled / periods)) if periods > 0 else None


def reasons(
    pid: int, allowance: Allowance, vitals: Vitals | None, silence: str, *, delay_known: bool = True
) -> dict[str, str]:
    """Why what is absent is absent; `silence`: why the agent has not said anything."""
    unknown = dict(_of_the_group(allowance))
    if vitals is None:
        unknown.update(dict.fromkeys(("gc", "event_loops", "probes"), silence))
    else:
        if vitals.collector.pause is None:
            unknown["gc.pause_seconds"] = _NO_PAUSES
        if any(loop.lag is None for loop in vitals.loops):
            unknown["event_loops.lag_seconds"] = _ANOTHER_LOOP
    if not delay_known:
        unknown["cpu_delay_percent"] = "this kernel has no scheduler statistics"
    if kernel.descriptors_of(pid) is None:
        unknown["descriptors"] = "the kernel does not let us see them"
    if kernel.descriptor_limit(pid) is None:
        unknown["descriptor_limit"] = "there is none, or it can't be seen"
    return unknown


def _of_the_group(allowance: Allowance) -> dict[str, str]:
    unknown = {}
    if allowance.throttling is None:
        unknown.update(dict.fromkeys(_OF_A_QUOTA, "no control group that is visible here has a quota"))
    elif allowance.throttled_share is None:
        unknown["cgroup.throttled_share"] = "no period of the quota ended in the window"
    if allowance.memory is None:
        unknown.update(dict.fromkeys(_OF_A_LIMIT, "no control group that is visible here has a memory limit"))
    if allowance.oom_kills is None:
        unknown["cgroup.oom_kills"] = "no control group that is visible here counts them"
    return unknown


def vitals_from(reply: dict[str, Any]) -> Vitals:
    """Read the agent's reply. Raises LinkClosed: it has another shape than agreed."""
    try:
        gc = reply["gc"]
        collector = Collector(
            enabled=gc["enabled"] is True,
            counts=tuple(int(count) for count in gc["counts"])[:10],
            collections=tuple(int(count) for count in gc["collections"])[:10],
            collected=int(gc["collected"]),
            uncollectable=int(gc["uncollectable"]),
            pause=None if gc["pause"] is None else float(gc["pause"]),
        )
        loops = tuple(_loop(entry) for entry in reply["loops"][:_MAX_LOOPS])
        return Vitals(collector, loops, int(reply["probes"]))
    except (KeyError, TypeError, ValueError, IndexError, OverflowError, AttributeError):
        raise LinkClosed("the agent's figures have another shape than agreed") from None


def merged(earlier: Vitals | None, later: Vitals) -> Vitals:
    """Two pieces of one window: the later figures, of each loop the longest lag and all looks."""
    if earlier is None:
        return later
    before = {(loop.native_id, loop.thread): loop for loop in earlier.loops}
    loops = [_merged(before.pop((loop.native_id, loop.thread), None), loop) for loop in later.loops]
    return Vitals(later.collector, (*loops, *before.values()), later.probes)


def _merged(earlier: Loop | None, later: Loop) -> Loop:
    if earlier is None:
        return later
    longest = max(earlier, later, key=lambda loop: loop.lag or 0.0)
    looks = earlier.looks + later.looks
    busy = (earlier.busy * earlier.looks + later.busy * later.looks) / looks if looks else 0.0
    return Loop(later.thread, later.native_id, longest.lag, busy, looks, longest.frames)


def _loop(entry: dict[str, Any]) -> Loop:
    lag = entry["lag"]
    frames = tuple(
        Frame(str(function), str(file), int(line), str(module)) for function, file, line, module in entry["frames"]
    )
    return Loop(
        thread=str(entry["thread"])[:200],
        native_id=int(entry["native_id"]),
        lag=None if lag is None else float(lag),
        busy=float(entry["busy"]),
        looks=int(entry["looks"]),
        frames=frames[:100],
    )
