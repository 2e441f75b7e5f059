"""The hottest functions: which ones have most of the time, themselves and with what they call, and where."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

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


def rows(profile: Profile, limit: int = 10, *, by_total: bool = False) -> list[Row]:
    """The functions with most time, hottest first: their own, or with what they call."""
    sums = Sums(profile)
    values = sums.total if by_total else sums.own
    ranked = sorted(values, key=lambda function: (-values[function], profile.functions[function].name))[:limit]
    order = sorted(range(len(profile.processes)), key=lambda index: profile.processes[index].pid)
    return [
        Row(
            function=profile.functions[index].name,
            file=profile.functions[index].file,
            where=profile.where(index),
            line=profile.lines[index],
            origin=profile.functions[index].origin,
            self_share=sums.own_share(index),
            total_share=sums.total_share(index),
            spread=tuple(sums.by_process[index, process] / max(1, sums.own[index]) for process in order),
        )
        for index in ranked
    ]


def document(row: Row) -> dict[str, Any]:
    """A row, as JSON has it."""
    return {
        "function": row.function,
        "file": row.file,
        "line": row.line or None,
        "self_percent": min(100.0, 100 * row.self_share),
        "total_percent": min(100.0, 100 * row.total_share),
    }


def sparkline(spread: Sequence[float]) -> str:
    """A bar for each process, the highest for the one with most; empty where there is but one process."""
    if not 1 < len(spread) <= _MAX_BARS:
        return ""
    top = max(spread)
    if not top:
        return ""
    return "".join(_BLOCKS[round(share / top * (len(_BLOCKS) - 1))] for share in spread)


def concentrated(profile: Profile, spread: Sequence[float]) -> int | None:
    """The process that has nearly all of it; None: several have, or there is but one."""
    if len(spread) < 2 or max(spread) < _NEARLY_ALL:
        return None
    return sorted(process.pid for process in profile.processes)[spread.index(max(spread))]


class Sums:
    """Own time, time with callees, and own time by process, of each function that has any."""

    def __init__(self, profile: Profile) -> None:
        self._whole = profile.total
        self.own: defaultdict[int, int] = defaultdict(int)
        self.total: defaultdict[int, int] = defaultdict(int)
        self.by_process: defaultdict[tuple[int, int], int] = defaultdict(int)
        for sample in profile.samples:
            if not sample.frames:
                continue
            leaf = sample.frames[0][0]
            self.own[leaf] += sample.value
            self.by_process[leaf, profile.threads[sample.thread].process] += sample.value
            for function in {function for function, _ in sample.frames}:
                self.total[function] += sample.value

    def own_share(self, function: int) -> float:
        """Its own part of the whole, 0 to 1."""
        return self.own.get(function, 0) / self._whole

    def total_share(self, function: int) -> float:
        """Its part of the whole with what it calls; recursion counts once."""
        return self.total.get(function, 0) / self._whole
