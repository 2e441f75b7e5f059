"""Rounds and what they come to: medians of things measured in turn, so that a busy moment hits all alike."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence


def in_turn(count: int, measures: Mapping[str, Callable[[], float]]) -> dict[str, list[float]]:
    """Measure each, one after the other, `count` times; the first time is for warming up and not counted."""
    for measure in measures.values():
        measure()
    found: dict[str, list[float]] = {name: [] for name in measures}
    for _ in range(count):
        for name, measure in measures.items():
            found[name].append(measure())
    return found


def median(values: Sequence[float]) -> float:
    """The middle one."""
    return statistics.median(values)


def quartiles(values: Sequence[float]) -> tuple[float, float]:
    """Between these lies the middle half."""
    return (percentile(values, 25), percentile(values, 75))


def percentile(values: Sequence[float], percent: float) -> float:
    """The value that so many percent of them do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(percent / 100 * (len(ordered) - 1)))]
