"""A part of a profile: one process's, or a thread's."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pyrometer.client.errors import NotFound
from pyrometer.client.profile.model import Profile, Thread

_MOST_NAMED = 8


@dataclass(frozen=True, slots=True)
class Selection:
    """What of a profile is meant; without either all of it."""

    pid: int | None = None
    thread: str | None = None
    """A thread's name, of all processes that have such a one, or its id."""

    @property
    def is_part(self) -> bool:
        """Whether it is less than all."""
        return self.pid is not None or self.thread is not None

    def __str__(self) -> str:
        parts = [f"process {self.pid}"] if self.pid is not None else []
        return ", ".join([*parts, *([f"thread {self.thread}"] if self.thread is not None else [])])

    def of(self, profile: Profile) -> Profile:
        """That part of a profile, which knows of no other processes and threads.

        Raises:
            NotFound: the profile has no such process or thread.
        """
        if not self.is_part:
            return profile
        threads = [index for index, thread in enumerate(profile.threads) if self._is_meant(profile, thread)]
        if not threads:
            raise self._nothing(profile)
        processes = sorted({profile.threads[index].process for index in threads})
        number = {index: at for at, index in enumerate(threads)}
        return replace(
            profile,
            processes=tuple(profile.processes[index] for index in processes),
            threads=tuple(
                replace(profile.threads[index], process=processes.index(profile.threads[index].process))
                for index in threads
            ),
            samples=tuple(
                replace(sample, thread=number[sample.thread]) for sample in profile.samples if sample.thread in number
            ),
        )

    def _is_meant(self, profile: Profile, thread: Thread) -> bool:
        if self.pid is not None and profile.processes[thread.process].pid != self.pid:
            return False
        return self.thread in (None, thread.name, str(thread.thread_id))

    def _nothing(self, profile: Profile) -> NotFound:
        pids = sorted({process.pid for process in profile.processes if process.pid})
        if self.pid is not None and self.pid not in pids:
            known = _named([str(pid) for pid in pids], "It does not tell processes apart", "It has")
            return NotFound(f"the profile has no process {self.pid}.", next=known, reason="NOT_IN_PROFILE")
        here = Selection(self.pid).of(profile)
        known = _named(
            [thread.name or str(thread.thread_id) for thread in here.threads if thread.name or thread.thread_id],
            "It does not tell threads apart",
            "It has",
        )
        return NotFound(f"the profile has no {self}.", next=known, reason="NOT_IN_PROFILE")


def _named(names: list[str], none: str, some: str) -> str:
    distinct = list(dict.fromkeys(names))
    if not distinct:
        return f"{none}."
    rest = f" and {len(distinct) - _MOST_NAMED} more" if len(distinct) > _MOST_NAMED else ""
    return f"{some}: {', '.join(distinct[:_MOST_NAMED])}{rest}"
