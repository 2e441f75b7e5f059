"""What a process runs out of: its processor quota, memory, descriptors; and time that goes to the garbage collector."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise

from pyrometer.client.findings.commands import Commands
from pyrometer.client.findings.observation import Finding, Observations, Process
from pyrometer.client.findings.wording import mebibytes, names

_THROTTLED, _BADLY_THROTTLED = 0.05, 0.25
"""Share of the quota's periods."""
_STARVED = 50.0
"""Per cent of the time, all threads together."""
_LEAST_GROWTH, _LEAST_SLOPE = 4 * 2**20, 30 * 2**20 / 60
"""Bytes in the time of watching, and bytes a second: a first look itself takes a process some MiB."""
_LASTING = 0.7
"""Share of the first half's pace that the second half must have: what a first look takes slows down."""
_UPWARDS = 0.7
"""Share of the rounds in which memory must have grown."""
_LEAST_ROUNDS = 4
_SOON, _LATER = 600.0, 3600.0
"""Seconds until a limit is reached."""
_FEW_LEFT, _NONE_LEFT = 0.75, 0.9
"""Share of the descriptors."""
_LITTLE_MEMORY = 0.1
_MUCH_GC = 0.05
_MANY_NEW = 20
"""Descriptors that a process opened and did not close while it was watched."""


def find(seen: Observations, commands: Commands) -> Iterator[Finding]:
    """All that is found of this kind."""
    yield from _throttling(seen, commands)
    yield from _limits(seen, commands)
    yield from _starving(seen, commands)
    for process in seen.processes:
        if process.rounds:
            yield from _memory(process, commands)
            yield from _descriptors(process, commands)
            yield from _collecting(process, seen.seconds, commands)


def slope(process: Process) -> float | None:
    """Bytes a second by which its memory grows, by least squares; None: too few rounds to say."""
    points = [(datetime.fromisoformat(each["time"]).timestamp(), each["rss_bytes"]) for each in process.rounds]
    if len(points) < _LEAST_ROUNDS:
        return None
    middle = sum(when for when, _ in points) / len(points)
    mean = sum(value for _, value in points) / len(points)
    spread = sum((when - middle) ** 2 for when, _ in points)
    return sum((when - middle) * (value - mean) for when, value in points) / spread if spread else None


def throttled(process: Process) -> float | None:
    """Share of its quota's periods in which it was stopped, on the average; None: it has no quota."""
    shares = [each["cgroup"]["throttled_share"] for each in process.rounds]
    known = [share for share in shares if share is not None]
    return sum(known) / len(known) if known else None


def _throttling(seen: Observations, commands: Commands) -> Iterator[Finding]:
    """One finding for all processes under one quota."""
    groups: dict[tuple[object, ...], list[Process]] = {}
    for process in seen.processes:
        if (throttled(process) or 0.0) >= _THROTTLED:
            cgroup = process.last["cgroup"]
            groups.setdefault((cgroup["quota_cores"], (cgroup["periods"] or 0) // 100), []).append(process)
    for group in groups.values():
        share = max(throttled(process) or 0.0 for process in group)
        used = sum(process.cpu_percent for process in group)
        yield Finding(
            f"{names([str(process.pid) for process in group])} {'is' if len(group) == 1 else 'are'} throttled",
            "high" if share >= _BADLY_THROTTLED else "medium",
            (
                f"stopped in {100 * share:.0f} % of the periods of the last {seen.seconds:.0f} s",
                f"the control group's quota is {group[0].last['cgroup']['quota_cores']:.2f} cores",
                f"they used {used:.0f} % of a core" if len(group) > 1 else f"it used {used:.0f} % of a core",
            ),
            group[0].pid if len(group) == 1 else None,
            next=commands.type("record", group[0].pid if len(group) == 1 else None, "-d 10s"),
            weight=share / 10,
        )


def _starving(seen: Observations, commands: Commands) -> Iterator[Finding]:
    """Processes that are ready to run and have no processor, though no quota stops them: the machine is too small."""
    waited = {process.pid: _delay(process) for process in seen.processes if process.rounds}
    starving = [
        process
        for process in seen.processes
        if waited.get(process.pid, 0.0) >= _STARVED and (throttled(process) or 0.0) < _THROTTLED
    ]
    if starving:
        worst = max(starving, key=lambda process: waited[process.pid])
        who = names([str(process.pid) for process in starving])
        yield Finding(
            f"{who} {'waits' if len(starving) == 1 else 'wait'} for a processor",
            "medium",
            (
                f"threads of {worst.pid} were ready and had none for {waited[worst.pid]:.0f} % of the time in all",
                f"it got {worst.cpu_percent:.0f} % of a core; others on this machine have the rest",
            ),
            worst.pid if len(starving) == 1 else None,
            next=commands.type("ps", everything=True),
            weight=waited[worst.pid] / 10_000,
        )


def _delay(process: Process) -> float:
    """Per cent of the time for which its threads had no processor, on the average."""
    known = [each["cpu_delay_percent"] for each in process.rounds if each["cpu_delay_percent"] is not None]
    return sum(known) / len(known) if known else 0.0


def _limits(seen: Observations, commands: Commands) -> Iterator[Finding]:
    """Of control groups, each once: processes killed, and little memory left."""
    told: set[tuple[object, ...]] = set()
    for process in seen.processes:
        if not process.rounds:
            continue
        first, last = process.rounds[0]["cgroup"], process.last["cgroup"]
        key = (last["memory_limit_bytes"], last["oom_kills"])
        if key in told:
            continue
        told.add(key)
        if last["oom_kills"] and last["oom_kills"] > (first["oom_kills"] or 0):
            yield _killed(process, last["oom_kills"] - (first["oom_kills"] or 0), commands)
        limit, left = last["memory_limit_bytes"], last["memory_left_bytes"]
        if limit and left is not None and left < _LITTLE_MEMORY * limit:
            yield _little_left(process, limit, left, commands)


def _killed(process: Process, count: int, commands: Commands) -> Finding:
    return Finding(
        f"the kernel killed {count} {'process' if count == 1 else 'processes'} for want of memory, just now",
        "critical",
        (f"the control group of {process.pid} counts {process.last['cgroup']['oom_kills']} in all",),
        process.pid,
        next=commands.type("info", process.pid),
        weight=0.9,
    )


def _little_left(process: Process, limit: int, left: int, commands: Commands) -> Finding:
    return Finding(
        f"little memory is left: {mebibytes(left)} until the limit",
        "high",
        (f"the control group of {process.pid} may use {mebibytes(limit)}, and {100 * left / limit:.0f} % is left",),
        process.pid,
        next=commands.type("info", process.pid, "--watch"),
        weight=0.2,
    )


def _memory(process: Process, commands: Commands) -> Iterator[Finding]:
    """Memory that grows all the time; a process that fills it once and stays there does not."""
    per_second = slope(process)
    sizes = [each["rss_bytes"] for each in process.rounds]
    if per_second is None or per_second < _LEAST_SLOPE or sizes[-1] - sizes[0] < _LEAST_GROWTH:
        return
    steps = list(pairwise(sizes))
    if sum(later > earlier for earlier, later in steps) < _UPWARDS * len(steps):
        return
    half = len(sizes) // 2
    earlier_pace, later_pace = (sizes[half] - sizes[0]) / half, (sizes[-1] - sizes[half]) / (len(sizes) - 1 - half)
    if later_pace < _LASTING * earlier_pace:
        return
    left = process.last["cgroup"]["memory_left_bytes"]
    evidence = [
        f"{mebibytes(sizes[0])} → {mebibytes(sizes[-1])}, in {len(sizes)} rounds, hardly ever down",
        f"that is {mebibytes(60 * per_second)} a minute",
    ]
    until = None if left is None else left / per_second
    if until is not None:
        evidence.append(f"the memory limit is reached in {_time(until)}")
    yield Finding(
        f"the memory of {process.pid} grows",
        "critical" if until is not None and until < _SOON else "high" if until is None or until < _LATER else "medium",
        tuple(evidence),
        process.pid,
        next=commands.type("info", process.pid, "--watch"),
    )


def _descriptors(process: Process, commands: Commands) -> Iterator[Finding]:
    used, limit = process.last["descriptors"], process.last["descriptor_limit"]
    counts = [each["descriptors"] for each in process.rounds if each["descriptors"] is not None]
    new = counts[-1] - counts[0] if len(counts) >= _LEAST_ROUNDS and counts == sorted(counts) else 0
    full = used / limit if used is not None and limit else 0.0
    if full < _FEW_LEFT and new < _MANY_NEW:
        return
    evidence = [f"{used:,} of {limit:,} are open" if limit else f"{used:,} are open"]
    if new >= _MANY_NEW:
        evidence.append(f"{new:,} more than {len(counts)} rounds ago, and never fewer")
    yield Finding(
        f"{process.pid} runs out of descriptors"
        if full >= _FEW_LEFT
        else f"{process.pid} opens more and more descriptors",
        "critical" if full >= _NONE_LEFT else "high" if full >= _FEW_LEFT else "medium",
        tuple(evidence),
        process.pid,
        next=f"ls -l /proc/{process.pid}/fd" if full < _FEW_LEFT else commands.type("info", process.pid, "--watch"),
        weight=full / 10,
    )


def _collecting(process: Process, seconds: float, commands: Commands) -> Iterator[Finding]:
    share = collecting_share(process, seconds)
    if share is not None and share >= _MUCH_GC:
        yield Finding(
            f"{process.pid} spends its time in the garbage collector",
            "medium",
            (f"{100 * share:.0f} % of the last {seconds:.0f} s",),
            process.pid,
            next=commands.type("record", process.pid, "-d 10s"),
            weight=share / 10,
        )


def collecting_share(process: Process, seconds: float) -> float | None:
    """Share of the time that went to collections; None: this Python does not count it."""
    pauses: list[float | None] = [each["gc"]["pause_seconds"] for each in process.rounds if each["gc"]]
    known = [pause for pause in pauses if pause is not None]
    return max(0.0, (known[-1] - known[0]) / seconds) if len(known) > 1 and seconds > 0 else None


def _time(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 2 * 3600 else f"{seconds / 3600:.0f} h"
