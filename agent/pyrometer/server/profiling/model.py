"""What a recording is asked for, what it reads, and what it says meanwhile and at the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NamedTuple

from pyrometer.link.errors import LinkError

MAX_SECONDS = 600.0
MAX_RATE = 1000
MIN_EVERY = 0.5
MAX_WINDOW = 60.0


class Mode(Enum):
    """Which moments count."""

    CPU = "cpu"
    """Threads that use a processor."""
    WALL = "wall"
    """All threads, waiting ones too."""
    GIL = "gil"
    """The thread that holds the GIL."""


class Source(Enum):
    """Who reads."""

    AGENT = "agent"
    OUTSIDE = "outside"


class Place(NamedTuple):
    """Where a frame is."""

    function: str
    """Qualified name."""
    file: str
    line: int
    """The line it is at; 0: not known."""
    start_line: int = 0
    """First line of the function; 0: not known."""
    module: str = ""


class Stack(NamedTuple):
    """A thread with its frames, innermost first."""

    thread: str
    thread_id: int
    """The operating system's; 0: not known."""
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Target:
    """A process to record, and the ways to read it.

    The callables speak to its agent and raise `LinkError`; they are called from a thread of the recording, one at a
    time. `None`: there is no agent, or it does not answer.
    """

    pid: int
    service: str = ""
    argv: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    """Folders of the standard library and of installed packages, as the agent says."""
    start_ticks: int = 0
    """Start of the process in clock ticks since boot, to tell a reused pid; 0: not known."""
    own_threads: frozenset[int] = frozenset()
    """Native ids of the agent's threads, which are left out."""
    refused: LinkError | None = None
    """Why the owner does not let it be recorded; by no other way either then."""
    sample_start: Callable[[int, bool], dict[str, Any]] | None = None
    """Start the agent's sampler at so many looks a second, at asyncio's tasks or at threads; says which in "tasks"."""
    sample_take: Callable[[], dict[str, Any]] | None = None
    """What it counted since the last time; see `pyrometer.agent.sampler.Sampler.take`."""
    sample_stop: Callable[[], Any] | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """What to record."""

    seconds: float = 10.0
    rate: int = 100
    """Looks a second at each process."""
    mode: Mode | None = None
    """None: cpu from outside, wall where any process can only be read by its agent."""
    source: Source | None = None
    """None: from outside where that is permitted, else by the agent."""
    native: bool = False
    """Native frames too: from outside, by stopping the process at each look."""
    pause: bool = False
    """Whether it may be stopped."""
    tasks: bool = False
    """Asyncio's tasks instead of threads: by the agent, and all the time that they last."""
    part_every: float = 0.0
    """Seconds between two parts; 0: none are wanted."""
    window: float = 10.0
    """Seconds that a part goes back to."""

    def checked(self) -> Request:
        """The request itself.

        Raises:
            LinkError: BAD_REQUEST, a value is out of range or two contradict each other.
        """
        if not 0 < self.seconds <= MAX_SECONDS:
            raise _bad(f"a recording lasts over 0 and at most {MAX_SECONDS:.0f} s, not {self.seconds:g}")
        if not 0 < self.rate <= MAX_RATE:
            raise _bad(f"the rate is over 0 and at most {MAX_RATE} a second, not {self.rate}")
        if self.source is Source.AGENT and self.mode in (Mode.CPU, Mode.GIL):
            raise _bad(
                "the agent's own sampler sees all threads alike, at work or not: it knows the mode wall only",
                "--mode wall, or --source outside",
            )
        if self.native and not self.pause:
            raise _bad("native frames are read while the process stands still, at each look", "--native --pause")
        if self.pause and not self.native:
            raise _bad("only for native frames the process has to be stopped", "leave --pause out")
        if self.native and self.source is Source.AGENT:
            raise _bad("the agent's own sampler sees Python's frames only", "--source outside")
        if self.tasks and (self.source is Source.OUTSIDE or self.mode not in (None, Mode.WALL)):
            raise _bad("tasks are seen by the agent only, and as wall time", "leave --source and --mode out")
        if self.part_every and not MIN_EVERY <= self.part_every <= self.window <= MAX_WINDOW:
            raise _bad(
                f"parts come every {MIN_EVERY:g} s at most, of {MAX_WINDOW:.0f} s at most, and not without a gap"
            )
        return self


def _bad(message: str, step: str = "") -> LinkError:
    return LinkError(message, next=step, reason="BAD_REQUEST")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a recording is."""

    elapsed: float
    samples: int
    missed: int
    rate: int
    """Looks a second at each process, now."""
    processes: int


@dataclass(frozen=True, slots=True)
class Failure:
    """A process that was not recorded, or not to the end."""

    pid: int
    error: LinkError


@dataclass(frozen=True, slots=True)
class Count:
    """How often a stack was seen, and how much time that stands for."""

    samples: int
    nanoseconds: float


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a recording was."""

    source: Source | None
    """None: some processes from outside, some by their agents."""
    reason: str
    """Why it was read so, where that is not the usual way."""
    mode: Mode
    rate_asked: int
    rate: float
    """Looks a second at each process, on average."""
    samples: int
    missed: int
    seconds: float
    own_cpu_seconds: float
    began: float
    """Seconds since the epoch."""
    targets: tuple[Target, ...]
    """The processes that are in it."""
    paused: bool = False
    """Whether they were stopped at each look."""
    tasks: bool = False
    """Whether the stacks are those of tasks."""
    failures: tuple[Failure, ...] = ()
    counts: dict[tuple[int, Stack], Count] = field(default_factory=dict)
    """By process id and stack."""
