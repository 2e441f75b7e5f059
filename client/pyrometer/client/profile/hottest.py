"""The hottest functions: which ones have most of the time, themselves and with what they call, and where."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from pyrometer.client.profile.model import Profile
from pyrometer.client.profile.paths import Origin

_BLOCKS = "▁▂▃▄▅▆▇█"
_MAX_BARS = 24
_NEARLY_ALL = 0.95


@dataclass(frozen=True, slots=True)
class Row:
    """A function."""

    function: str
    file: str
    where: str
    """Short path and line."""
    line: int
    """Where it was seen most; 0: not known."""
    origin: Origin
    self_share: float
    """Share of the whole profile, without what it calls; 0 to 1."""
    total_share: float
    """With what it calls; recursion counts once."""
    spread: tuple[float, ...]
    """Its own time by process: shares of its own total, processes in the order of their ids."""


def rows(profile: Profile, limit: int = 10) -> list[Row]:
    """The functions with most time of their own, hottest first."""
    whole = profile.total
    own, total, by_process = _sums(profile)
    ranked = sorted(own, key=lambda function: (-own[function], profile.functions[function].name))[:limit]
    order = sorted(range(len(profile.processes)), key=lambda index: profile.processes[index].pid)
    return [
        Row(
            function=profile.functions[index].name,
            file=profile.functions[index].file,
            where=_where(profile, index),
            line=profile.lines[index],
            origin=profile.functions[index].origin,
            self_share=own[index] / whole,
            total_share=total[index] / whole,
            spread=tuple(by_process[index, process] / own[index] for process in order),
        )
        for index in ranked
    ]


def sparkline(spread: Sequence[float]) -> str:
    """A bar for each process, the highest for the one with most; empty where there is but one process."""
    if not 1 < len(spread) <= _MAX_BARS:
        return ""
    top = max(spread)
    return "".join(_BLOCKS[round(share / top * (len(_BLOCKS) - 1))] for share in spread)


def concentrated(profile: Profile, spread: Sequence[float]) -> int | None:
    """The process that has nearly all of it; None: several have, or there is but one."""
    if len(spread) < 2 or max(spread) < _NEARLY_ALL:
        return None
    return sorted(process.pid for process in profile.processes)[spread.index(max(spread))]


def _sums(profile: Profile) -> tuple[dict[int, int], dict[int, int], dict[tuple[int, int], int]]:
    """Own time, time with callees, and own time by process, of each function."""
    own: defaultdict[int, int] = defaultdict(int)
    total: defaultdict[int, int] = defaultdict(int)
    by_process: defaultdict[tuple[int, int], int] = defaultdict(int)
    for sample in profile.samples:
        if not sample.frames:
            continue
        leaf = sample.frames[0][0]
        own[leaf] += sample.value
        by_process[leaf, profile.threads[sample.thread].process] += sample.value
        for function in {function for function, _ in sample.frames}:
            total[function] += sample.value
    return own, total, by_process


def _where(profile: Profile, index: int) -> str:
    line = profile.lines[index]
    short = profile.shortened[index]
    return f"{short}:{line}" if short and line else short
