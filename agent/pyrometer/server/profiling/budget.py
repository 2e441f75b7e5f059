"""What reading from outside may cost, and the rate that follows: samples cost a known time, so time is planned.

The share is of what the service itself may use: of its quota, or of one core for each process recorded as far as
there are that many. py-spy is started anew for each chunk; the chunk's length is chosen so that starting stays a small
part of the cost, and where even that is too much the processes take turns.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

SHARE = 0.05
MIN_RATE = 5
"""Looks a second below which fewer processes at a time are better than slower ones."""
START_COST = 0.012
"""Processor seconds to start py-spy on a process, measured; the real ones are learned."""
_LOOK = 0.0003
_THREAD = 0.0001
"""Processor seconds of a look and of each thread in it, measured; the real ones are learned."""
_TRUST = 10.0
"""Looks that the first guess weighs as much as."""
_MEMORY = 200.0
"""Looks that all that was learned weighs as much as: a service changes."""
_FIRST_CHUNK = 0.7
_CHUNK = 2.0
_MAX_CHUNK = 10.0
_START_PART = 0.2
MAX_TOGETHER = 16
"""Readers at a time."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One chunk: whom to read, how often, for how long."""

    pids: tuple[int, ...]
    rate: int
    seconds: float


class Budget:
    """Plans chunks so that what has been spent stays under the share. Not thread-safe.

    `cores` is what the recorded processes may use together, `threads` how many threads each has, `together` how many
    readers there may be at a time.
    """

    def __init__(self, cores: float, rate: int, threads: dict[int, int], together: int = MAX_TOGETHER) -> None:
        self._allowed = SHARE * cores
        self._together_at_most = together
        self._asked = rate
        self._cost = {pid: _LOOK + _THREAD * max(1, count) for pid, count in threads.items()}
        self._looks = dict.fromkeys(threads, _TRUST)
        self._start = START_COST
        self._spent = 0.0
        self._credit = 0.0
        self._chunks = 0
        self._turn = 0

    @property
    def spent(self) -> float:
        """Processor seconds so far."""
        return self._spent

    def spend(self, seconds: float) -> None:
        """Count what was used beside the readers: the server's own work."""
        self._spent += seconds

    def learn(self, pid: int, cpu: float, looks: float) -> None:
        """Count what a reader used for so many looks, and expect the like of it."""
        self._spent += cpu
        if looks < 1:
            self._start = max(START_COST / 4, 0.7 * self._start + 0.3 * cpu)
            return
        known = self._looks[pid]
        total = self._cost[pid] * known + max(0.0, cpu - self._start)
        self._cost[pid] = max(_LOOK / 10, total / (known + looks))
        self._looks[pid] = min(known + looks, _MEMORY)

    def plan(self, pids: list[int], elapsed: float, left: float) -> Plan:
        """The next chunk, `elapsed` seconds into the recording and with `left` to go."""
        seconds = self._seconds(len(pids), left)
        allowance = self._allowance(elapsed, seconds)
        together = self._together(pids, allowance, seconds)
        if self._chunks == 0:  # starting is apart, once
            self._credit = len(together) * self._start
            allowance += self._credit
        each = sum(self._cost[pid] for pid in together) * seconds
        rate = (allowance - len(together) * self._start) / each
        self._chunks += 1
        return Plan(tuple(together), max(1, min(self._asked, math.floor(rate))), seconds)

    def over(self, elapsed: float, running: float) -> bool:
        """Whether a chunk must end early: its readers, at `running` processor seconds, have used far too much."""
        return self._spent + running > self._credit + self._allowed * (elapsed + _CHUNK) + 2 * self._start

    def _seconds(self, readers: int, left: float) -> float:
        """Length of a chunk: longer where starting readers weighs more, and never so that a stub remains."""
        if self._chunks == 0:
            return min(left, _FIRST_CHUNK)
        readers = min(readers, self._together_at_most)
        seconds = min(_MAX_CHUNK, max(_CHUNK, readers * self._start / (_START_PART * self._allowed)))
        return left if left < 1.5 * seconds else seconds

    def _allowance(self, elapsed: float, seconds: float) -> float:
        """What a chunk may use: its own time's worth, more where some was saved, less (but not nothing) after debts."""
        worth = self._allowed * seconds
        return min(2 * worth, max(worth / 2, self._allowed * (elapsed + seconds) + self._credit - self._spent))

    def _together(self, pids: list[int], allowance: float, seconds: float) -> list[int]:
        """As many processes as can be read at a rate that says something, in turns."""
        start = self._turn % len(pids)
        turned = pids[start:] + pids[:start]
        chosen: list[int] = []
        need = 0.0
        for pid in turned[: self._together_at_most]:
            need += self._start + self._cost[pid] * min(self._asked, MIN_RATE) * seconds
            if chosen and need > allowance:
                break
            chosen.append(pid)
        self._turn = start + (len(chosen) if len(chosen) < len(pids) else 0)
        return chosen
