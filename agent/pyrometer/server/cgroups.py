"""What a process's control groups allow it: processor quota and memory, of version 1 and 2.

A limit holds for a group and all below it, so the tightest on the way up counts. Of groups above what is mounted here
(a container sees its own as the root) nothing is known, and nothing is assumed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

_UNLIMITED = 1 << 60
"""Version 1 writes "no memory limit" as a number just under 2**63."""


@dataclass(frozen=True, slots=True)
class Group:
    """A group's folder of one controller."""

    folder: Path
    version: int


@dataclass(frozen=True, slots=True)
class Roots:
    """Where to read; a seam for tests."""

    proc: Path = Path("/proc")


def cores(pid: int | str, roots: Roots = Roots()) -> float:
    """How many cores a process may use at most: its quota, or the cores that it may run on."""
    available = float(_affinity(pid))
    quotas = [quota for group in _groups(pid, "cpu", roots) if (quota := _quota(group)) is not None]
    return min([available, *quotas])


def quota(pid: int | str, roots: Roots = Roots()) -> float | None:
    """The tightest processor quota over a process, in cores; None: there is none."""
    return min((found for group in _groups(pid, "cpu", roots) if (found := _quota(group)) is not None), default=None)


def memory_left(pid: int | str, roots: Roots = Roots()) -> int | None:
    """Bytes until the tightest memory limit over a process, file cache that can be dropped counted as free.

    None: there is no limit.
    """
    found = memory(pid, roots)
    return None if found is None else found.left


@dataclass(frozen=True, slots=True)
class Throttling:
    """What a group's quota is, and how often it was used up since the group was made."""

    cores: float
    periods: int | None
    throttled: int | None
    """Periods in which the group was stopped."""
    seconds: float | None
    """For how long, summed over processors."""


@dataclass(frozen=True, slots=True)
class Memory:
    """A group's memory limit, bytes, and what it has used of it."""

    limit: int
    used: int
    left: int


def throttling(pid: int | str, roots: Roots = Roots()) -> Throttling | None:
    """The tightest quota over a process; None: there is none."""
    limited = ((quota, group) for group in _groups(pid, "cpu", roots) if (quota := _quota(group)) is not None)
    found = min(limited, key=lambda pair: pair[0], default=None)
    if found is None:
        return None
    cores, group = found
    nanoseconds = _statistic(group, "throttled_time", "cpu.stat")
    microseconds = _statistic(group, "throttled_usec", "cpu.stat")
    seconds = nanoseconds / 1e9 if nanoseconds is not None else None
    return Throttling(
        cores,
        _statistic(group, "nr_periods", "cpu.stat"),
        _statistic(group, "nr_throttled", "cpu.stat"),
        microseconds / 1e6 if microseconds is not None else seconds,
    )


def memory(pid: int | str, roots: Roots = Roots()) -> Memory | None:
    """The tightest memory limit over a process: the one with the least left; None: there is none."""
    found = (_memory(group) for group in _groups(pid, "memory", roots))
    return min((limit for limit in found if limit is not None), key=lambda limit: limit.left, default=None)


def oom_kills(pid: int | str, roots: Roots = Roots()) -> int | None:
    """Processes of the groups over a process that were killed for want of memory; None: nobody counts them.

    Version 2 counts those of a group's children with it, version 1 each group's own: so the most is taken.
    """
    counts = (
        _statistic(group, "oom_kill", "memory.events" if group.version == 2 else "memory.oom_control")
        for group in _groups(pid, "memory", roots)
    )
    return max((count for count in counts if count is not None), default=None)


def _affinity(pid: int | str) -> int:
    try:
        return len(os.sched_getaffinity(0 if pid == "self" else int(pid)))
    except OSError:
        return os.cpu_count() or 1


def _groups(pid: int | str, controller: str, roots: Roots) -> Iterator[Group]:
    """The process's group and those above it, as far as they are mounted here."""
    memberships = _memberships(_text(roots.proc / str(pid) / "cgroup"))
    for version, mounted, root in _mounts(_text(roots.proc / "self" / "mountinfo"), controller):
        path = memberships.get("" if version == 2 else controller)
        if path is None:
            continue
        yield from _upwards(mounted, _below(path, root), version)


def _memberships(text: str) -> dict[str, str]:
    """Path by controller; version 2 has the empty name."""
    found = {}
    for line in text.splitlines():
        _, _, rest = line.partition(":")
        names, _, path = rest.partition(":")
        found.update(dict.fromkeys(names.split(","), path))
    return found


def _mounts(text: str, controller: str) -> Iterator[tuple[int, Path, str]]:
    """Version, mount point and root of each hierarchy that knows the controller."""
    for line in text.splitlines():
        before, _, after = line.partition(" - ")
        fields, kinds = before.split(), after.split()
        if len(fields) < 5 or len(kinds) < 3:
            continue
        if kinds[0] == "cgroup2":
            yield 2, Path(_unescaped(fields[4])), _unescaped(fields[3])
        elif kinds[0] == "cgroup" and controller in kinds[-1].split(","):
            yield 1, Path(_unescaped(fields[4])), _unescaped(fields[3])


def _unescaped(path: str) -> str:
    return path.replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\")


def _below(path: str, root: str) -> list[str]:
    """Parts of a path under a mount's root; none where it lies elsewhere (another cgroup namespace)."""
    if root not in ("", "/"):
        if path != root and not path.startswith(root + "/"):
            return []
        path = path[len(root) :]
    parts = [part for part in path.split("/") if part]
    return [] if ".." in parts else parts


def _upwards(mounted: Path, parts: list[str], version: int) -> Iterator[Group]:
    for depth in range(len(parts), -1, -1):
        yield Group(mounted.joinpath(*parts[:depth]), version)


def _quota(group: Group) -> float | None:
    if group.version == 2:
        amount, _, period = _text(group.folder / "cpu.max").partition(" ")
    else:
        amount, period = _text(group.folder / "cpu.cfs_quota_us"), _text(group.folder / "cpu.cfs_period_us")
    whole, part = _number(amount), _number(period)
    return whole / part if whole is not None and part and whole > 0 else None


def _memory(group: Group) -> Memory | None:
    names = ("memory.max", "memory.current", "inactive_file")
    if group.version == 1:
        names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
    limit, used = (_number(_text(group.folder / name)) for name in names[:2])
    if limit is None or used is None or limit > _UNLIMITED:
        return None
    return Memory(limit, used, max(0, limit - used + (_statistic(group, names[2], "memory.stat") or 0)))


def _statistic(group: Group, name: str, file: str) -> int | None:
    """A figure of a file with a name and a number a line; None where it is not there."""
    for line in _text(group.folder / file).splitlines():
        key, _, value = line.partition(" ")
        if key == name:
            return _number(value)
    return None


def _number(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None


def _text(path: Path, read: Callable[[Path], str] = lambda path: path.read_text("utf-8", "replace")) -> str:
    """A small file's text; "" where it can't be read."""
    try:
        return read(path).strip()
    except OSError:
        return ""
