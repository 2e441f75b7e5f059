"""What reading from outside may cost, and the rate that follows: looks cost a known time, so time is planned.

The share is of what the service itself may use: of its quota, or of one core for each process recorded as far as
there are that many. py-spy is started anew for each chunk; the chunk's length is chosen so that starting stays a small
part of the cost. Where all processes at once cost too much they take turns, and where even one does, nobody looks for a
while.
"""

from __future__ import annotations

from dataclasses import dataclass

SHARE = 0.04
"""So that the service keeps 0.95 of its work: what it loses is not our time alone, but also its warm caches."""
START_COST = 0.012
"""Processor seconds to start py-spy on a process, measured; the real ones are learned."""
NATIVE_START_COST = 0.1
"""The same where native frames are read: it reads what the process has loaded."""
MAX_TOGETHER = 16
"""Readers at a time."""
_MIN_RATE = 5
"""Looks a second below which fewer processes at a time, or shorter chunks, say more than slower ones."""
_MIN_LOOKS = 5.0
"""Looks for which starting a reader is worth while."""
_LOOK = 0.0003
_THREAD = 0.0001
"""Processor seconds of a look and of each thread in it, measured; the real ones are learned."""
_TRUST = 10.0
"""Looks that the first guess weighs as much as."""
_MEMORY = 200.0
"""Looks that all that was learned weighs as much as: a service changes."""
_FIRST_CHUNK = 0.7
_CHUNK = 2.0
_MIN_CHUNK = 0.3
MAX_CHUNK = 10.0
"""Seconds."""
_START_PART = 0.2
"""Part of the cost that starting may be."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One chunk: whom to read (nobody: rest), how often, for how long."""

    pids: tuple[int, ...]
    rate: int
    seconds: float
    limit: float = 0.0
    """Processor seconds at which it is to end early: it costs far more than was expected."""


class Budget:
    """Plans chunks so that what has been spent stays under the share. Not thread-safe.

    `cores` is what the recorded processes may use together, `threads` how many threads each has, `together` how many
    readers there may be at a time, `start` what starting one costs, `longest` the seconds
    of a chunk at most.
    """

    def __init__(
        self,
        cores: float,
        rate: int,
        threads: dict[int, int],
        together: int = MAX_TOGETHER,
        *,
        start: float = START_COST,
        longest: float = MAX_CHUNK,
    ) -> None:
        self._longest = max(_CHUNK, longest)
        self._start = start
        self._allowed = SHARE * cores
        self._asked = rate
        self._together = together
        self._guess = {pid: _LOOK + _THREAD * max(1, count) for pid, count in threads.items()}
        self._learned: dict[int, tuple[float, float]] = {}
        self._wrong = 1.0
        self._spent = 0.0
        self._credit = 0.0
        self._turn = 0

    @property
    def spent(self) -> float:
        """Processor seconds so far."""
        return self._spent

    def spend(self, seconds: float) -> None:
        """Count what was used beside the readers: the server's own work."""
        self._spent += seconds

    def learn(self, pid: int, cpu: float, looks: float) -> None:
        """Count what a reader used for so many looks, and expect the like of it, of the others too."""
        self._spent += cpu
        cost, known = self._learned.get(pid, (self._cost(pid), _TRUST))
        cost = (cost * known + max(0.0, cpu - self._start)) / (known + looks)
        self._learned[pid] = (cost, min(known + looks, _MEMORY))
        self._wrong += 0.3 * (cost / self._guess[pid] - self._wrong)

    def plan(self, pids: list[int], elapsed: float, left: float) -> Plan:
        """The next chunk, `elapsed` seconds into the recording and with `left` to go."""
        seconds = self._seconds(len(pids), left)
        allowance = self._allowance(elapsed + seconds, seconds)
        chosen = self._choose(pids, allowance)
        if not self._learned:
            self._credit = len(chosen) * self._start  # starting is apart, once
            allowance += self._credit
        if not chosen:
            missing = self._need(pids[0]) - allowance
            return Plan((), self._asked, min(left, max(_MIN_CHUNK, missing / self._allowed)))
        each = sum(self._cost(pid) for pid in chosen)
        looks = (allowance - len(chosen) * self._start) / each
        rate = min(self._asked, int(looks / seconds))
        if rate < min(_MIN_RATE, self._asked):
            rate = min(_MIN_RATE, self._asked)
            seconds = min(left, max(_MIN_CHUNK, looks / rate))
        expected = len(chosen) * self._start + each * rate * seconds
        return Plan(tuple(chosen), rate, seconds, 1.5 * expected + self._start)

    def _cost(self, pid: int) -> float:
        """Expected processor seconds of a look: as learned, or guessed and put right by how wrong others' were."""
        known = self._learned.get(pid)
        return known[0] if known is not None else self._guess[pid] * max(1.0, self._wrong)

    def _need(self, pid: int) -> float:
        """Processor seconds without which starting a reader is not worth while."""
        return self._start + self._cost(pid) * _MIN_LOOKS

    def _seconds(self, readers: int, left: float) -> float:
        """Length of a chunk: longer where starting readers weighs more, and never so that a stub remains."""
        if not self._learned:
            return min(left, _FIRST_CHUNK)
        wanted = min(readers, self._together) * self._start / (_START_PART * self._allowed)
        seconds = min(self._longest, max(_CHUNK, wanted))
        return left if left < 1.5 * seconds else seconds

    def _allowance(self, until: float, seconds: float) -> float:
        """What a chunk may use: what is left of the share, but never much more than its own time's worth."""
        worth = self._allowed * seconds
        left = self._allowed * until + self._credit - self._spent
        return left if not self._learned else min(max(2 * worth, 2 * self._start), left)

    def _choose(self, pids: list[int], allowance: float) -> list[int]:
        """As many processes as can be read to some purpose, in turns; the first time one at least."""
        start = self._turn % len(pids)
        chosen: list[int] = []
        need = 0.0
        for pid in (pids[start:] + pids[:start])[: self._together]:
            need += self._need(pid) if self._learned else self._cost(pid) * _MIN_LOOKS
            if need > allowance and (chosen or self._learned):
                break
            chosen.append(pid)
        self._turn = start + (len(chosen) if len(chosen) < len(pids) else 0)
        return chosen
