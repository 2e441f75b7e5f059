"""Two profiles side by side: each function's share of the time in one and in the other, and what chance may do to it.

Shares are compared, not times: two recordings are seldom equally long. Where one function goes, the others grow.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import PurePath

from pyrometer.client.profile.hottest import Sums
from pyrometer.client.profile.model import Function, Profile, Sample
from pyrometer.client.profile.paths import Origin

_NOTABLE = 0.005
"""A change of a share that is worth a line, however certain it is."""
_CERTAIN = 2.0
"""Standard deviations beyond which chance is not the likely cause."""


@dataclass(frozen=True, slots=True)
class Change:
    """A function in both: shares of the whole, 0 to 1, before and after."""

    function: str
    file: str
    where: str
    """Short path and line."""
    line: int
    origin: Origin
    own: tuple[float, float]
    """Without what it calls."""
    total: tuple[float, float]
    """With what it calls; recursion counts once."""
    noise: float | None
    """How much chance alone may change the own share; None: not known."""

    @property
    def grown(self) -> float:
        """By how much its own share grew; negative: it shrank."""
        return self.own[1] - self.own[0]

    @property
    def total_grown(self) -> float:
        """By how much its share with what it calls grew."""
        return self.total[1] - self.total[0]

    @property
    def is_certain(self) -> bool:
        """Whether it is more than chance does, and worth telling."""
        return abs(self.grown) > max(_NOTABLE, self.noise or 0.0)


class Comparison:
    """Two profiles, their functions matched by name and file, or by name and the end of the path."""

    def __init__(self, before: Profile, after: Profile) -> None:
        self.before = before
        self.after = after
        self._of_after = _matched(before.functions, after.functions)

    @cached_property
    def together(self) -> Profile:
        """Both as one profile: the processes, threads and samples of the one, then those of the other."""
        before, after = self.before, self.after
        new = [function for index, function in enumerate(after.functions) if self._of_after[index] is None]
        return replace(
            after,
            functions=(*before.functions, *new),
            processes=(*before.processes, *after.processes),
            threads=(
                *before.threads,
                *(replace(each, process=each.process + len(before.processes)) for each in after.threads),
            ),
            samples=(*before.samples, *self._moved()),
        )

    @cached_property
    def changes(self) -> tuple[Change, ...]:
        """Every function that has time in either, those that changed most first."""
        both, before, after = (
            self.together,
            Sums(self.before),
            Sums(replace(self.together, samples=tuple(self._moved()))),
        )
        made = []
        for index in {*before.total, *after.total}:
            function = both.functions[index]
            own = before.own_share(index), after.own_share(index)
            made.append(
                Change(
                    function=function.name,
                    file=function.file,
                    where=self.where(index),
                    line=both.lines[index],
                    origin=function.origin,
                    own=own,
                    total=(before.total_share(index), after.total_share(index)),
                    noise=self._noise(*own),
                )
            )
        return tuple(
            sorted(made, key=lambda each: (-abs(each.grown), -abs(each.total_grown), each.function, each.file))
        )

    def where(self, index: int) -> str:
        """Short path and line of a function of both together; each path is shortened among those of its own side."""
        line, short = self.together.lines[index], self._shortened[index]
        return f"{short}:{line}" if line and short else short

    @property
    def certain(self) -> tuple[Change, ...]:
        """Those that are more than chance does."""
        return tuple(change for change in self.changes if change.is_certain)

    @cached_property
    def _shortened(self) -> tuple[str, ...]:
        new = [self.after.shortened[index] for index, known in enumerate(self._of_after) if known is None]
        return (*self.before.shortened, *new)

    def _moved(self) -> Iterator[Sample]:
        """The samples of the profile after, by the functions and threads of both together."""
        numbers, new = [], len(self.before.functions)
        for known in self._of_after:
            numbers.append(new if known is None else known)
            new += known is None
        for sample in self.after.samples:
            frames = tuple((numbers[function], line) for function, line in sample.frames)
            yield replace(sample, frames=frames, thread=sample.thread + len(self.before.threads))

    def _noise(self, before: float, after: float) -> float | None:
        """Two standard deviations of the difference of two shares; a share of nothing is not certain either."""
        counts = self.before.count, self.after.count
        if not all(counts):
            return None
        smoothed = [(share * count + 1) / (count + 2) for share, count in zip((before, after), counts, strict=True)]
        spread = sum(share * (1 - share) / count for share, count in zip(smoothed, counts, strict=True))
        return _CERTAIN * math.sqrt(spread)


def _matched(before: tuple[Function, ...], after: tuple[Function, ...]) -> list[int | None]:
    """For each function after, its index before: the same file, else the only one whose path ends alike."""
    exact: dict[tuple[str, str], list[int]] = defaultdict(list)
    for index, function in enumerate(before):
        exact[function.name, function.file].append(index)
    found: list[int | None] = []
    for function in after:
        same = exact[function.name, function.file]
        found.append(same.pop(0) if same else None)
    left = {index for indices in exact.values() for index in indices}
    near, wanted = _by_end(before, left), _by_end(after, {at for at, index in enumerate(found) if index is None})
    for key, places in wanted.items():
        if len(places) == 1 and len(near.get(key, ())) == 1:
            found[places[0]] = near[key][0]
    return found


def _by_end(functions: tuple[Function, ...], indices: set[int]) -> dict[tuple[str, tuple[str, ...]], list[int]]:
    """Functions by name and the last two parts of the path: a deployment is often a folder of its own."""
    found: dict[tuple[str, tuple[str, ...]], list[int]] = defaultdict(list)
    for index in sorted(indices):
        function = functions[index]
        found[function.name, PurePath(function.file).parts[-2:]].append(index)
    return found
