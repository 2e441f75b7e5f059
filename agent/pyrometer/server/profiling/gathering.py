"""What all readers of a recording have seen so far, in bounded memory."""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from collections.abc import Mapping

from pyrometer.server.origins import is_agents
from pyrometer.server.profiling.model import Count, Place, Stack, Target

MAX_STACKS = 100_000
"""Distinct stacks of all processes; a sample of a further one counts as missed."""


class _Slice:
    """What was seen in one stretch of time."""

    def __init__(self) -> None:
        self.counts: dict[tuple[int, Stack], list[float]] = {}
        self.looks: defaultdict[int, float] = defaultdict(float)
        self.covered: defaultdict[int, float] = defaultdict(float)
        self.samples = 0
        self.missed = 0


class Gathering:
    """Counts by process and stack. Thread-safe: several readers add at a time.

    It holds one slice of time, or with `roll` the last few.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards everything here; nothing else is taken under it
        self._slices = deque([_Slice()])
        self._places: dict[Place, Place] = {}

    @property
    def samples(self) -> int:
        """Samples of all that is held."""
        with self._lock:
            return sum(part.samples for part in self._slices)

    @property
    def missed(self) -> int:
        """Samples that could not be taken, of all that is held."""
        with self._lock:
            return sum(part.missed for part in self._slices)

    def roll(self, keep: int) -> None:
        """Begin a slice, and forget all but the last `keep` of them."""
        with self._lock:
            self._slices.append(_Slice())
            while len(self._slices) > keep:
                self._slices.popleft()
            self._places.clear()

    def add(
        self, target: Target, stacks: Mapping[Stack, int], *, looks: float, seconds: float, missed: int = 0
    ) -> None:
        """Count what a reader saw of a process in `seconds`, during which it looked `looks` times."""
        with self._lock:
            now = self._slices[-1]
            now.looks[target.pid] += looks
            now.covered[target.pid] += seconds
            now.missed += missed
            for stack, count in stacks.items():
                if not _is_ours(stack, target):
                    self._count((target.pid, stack), count, 1e9 * seconds / max(looks, 1.0))

    def miss(self, count: int) -> None:
        """Count samples that could not be taken."""
        with self._lock:
            self._slices[-1].missed += count

    def looks(self) -> float:
        """Looks at all processes so far."""
        with self._lock:
            return sum(sum(part.looks.values()) for part in self._slices)

    def pids(self) -> set[int]:
        """The processes that were looked at."""
        with self._lock:
            return {pid for part in self._slices for pid in part.covered}

    def counts(self, present: Mapping[int, float]) -> dict[tuple[int, Stack], Count]:
        """Samples and the time that they stand for.

        `present` says for how many seconds each process was there to be looked at: what was seen of it in a part of
        that (between two chunks nobody looks) stands for the whole.
        """
        with self._lock:
            covered: defaultdict[int, float] = defaultdict(float)
            sums: dict[tuple[int, Stack], tuple[float, float]] = {}
            for part in self._slices:
                for pid, seconds in part.covered.items():
                    covered[pid] += seconds
                for key, (samples, nanoseconds) in part.counts.items():
                    before = sums.get(key, (0, 0.0))
                    sums[key] = (before[0] + samples, before[1] + nanoseconds)
        stretch = {pid: max(1.0, present.get(pid, 0.0) / seconds) for pid, seconds in covered.items() if seconds}
        return {
            key: Count(int(samples), nanoseconds * stretch.get(key[0], 1.0))
            for key, (samples, nanoseconds) in sums.items()
        }

    def _count(self, key: tuple[int, Stack], samples: int, each: float) -> None:
        now = self._slices[-1]
        seen = now.counts.get(key)
        if seen is None:
            if sum(len(part.counts) for part in self._slices) >= MAX_STACKS:
                now.missed += samples
                return
            seen = now.counts[self._shared(key)] = [0, 0.0]
        seen[0] += samples
        seen[1] += samples * each
        now.samples += samples

    def _shared(self, key: tuple[int, Stack]) -> tuple[int, Stack]:
        """The key with every place there once, however many chunks it came in."""
        pid, stack = key
        places = tuple(self._places.setdefault(place, place) for place in stack.places)
        return pid, stack._replace(places=places)


def _is_ours(stack: Stack, target: Target) -> bool:
    """Whether it is a thread of the agent's, by its id or by where it began."""
    if stack.thread_id in target.own_threads:
        return True
    return bool(stack.places) and is_agents(stack.places[-1].file)
