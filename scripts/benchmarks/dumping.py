"""What it takes to see all stacks: of many threads, of many processes, of one that holds the GIL for ever."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from benchmarks import processes
from benchmarks.model import Beside, Figure, Row, Setting
from benchmarks.rounds import in_turn, median, quartiles

_SERVICE = "bench-dump"
_PROCESSES = 50
_RESTING = 1.0
"""Seconds after the start of many processes."""


def measure_threads(setting: Setting) -> Sequence[Figure]:
    """A process of 100 threads: the whole command, and the longest pause that a busy thread of it feels."""
    with processes.program("hundred", _SERVICE) as target:
        rounds = setting.rounds(9)
        dumps: dict[str, Callable[[], float]] = {"ours": lambda: _dump(1, "agent"), **_others(setting, target.pid)}
        took = in_turn(rounds, dumps)
        target.ask("spin")
        dumps["nothing"] = _wait
        paused = in_turn(rounds, {name: partial(_pause, target, dump) for name, dump in dumps.items()})
    return [
        _figure("dump, 100 threads: whole command", 600, took),
        _figure("dump, 100 threads: longest pause inside", 5, paused),
    ]


def measure_gil(setting: Setting) -> Sequence[Figure]:
    """A process whose GIL is held for ever."""
    with processes.program("holder", _SERVICE) as target:
        took = in_turn(setting.rounds(6), {"ours": lambda: _dump(1, "outside"), **_others(setting, target.pid)})
    return [_figure("dump, GIL held for ever", 1500, took)]


def measure_processes(setting: Setting) -> Sequence[Figure]:
    """A service of 50 processes, of four threads each: the very first look at them, and those that follow."""
    first = [_first_dump() for _ in range(setting.rounds(6))]
    with _fifty() as pids:
        took = in_turn(
            setting.rounds(6),
            {
                "ours": lambda: _dump(_PROCESSES, "agent", "both"),
                "py-spy, one after the other": lambda: sum(
                    processes.timed(processes.PYSPY, "dump", "--pid", str(pid)) for pid in pids
                ),
            },
        )
    return [
        _figure("dump, 50 processes: first time", 1500, {**took, "ours": first}),
        _figure("dump, 50 processes: again", 1500, took),
    ]


def _first_dump() -> float:
    with _fifty():
        return _dump(_PROCESSES, "agent", "both")


@contextlib.contextmanager
def _fifty() -> Iterator[list[int]]:
    """A service of 50 processes that have an agent and rest."""
    with processes.program("workers", _SERVICE, str(_PROCESSES)) as target:
        _await_agents(_PROCESSES)
        time.sleep(_RESTING)
        yield [target.pid, *processes.children(target.pid)]


def _others(setting: Setting, pid: int) -> dict[str, Callable[[], float]]:
    """What else dumps the stacks of a process from outside."""
    found: dict[str, Callable[[], float]] = {
        "py-spy": partial(processes.timed, processes.PYSPY, "dump", "--pid", str(pid))
    }
    pystack = Path(setting.peers).with_name("pystack")
    if setting.peers and pystack.exists():
        found["pystack"] = partial(processes.timed, str(pystack), "remote", str(pid))
    return found


def _dump(expected: int, *fine: str) -> float:
    """Milliseconds of a dump. Raises RuntimeError if it is not of so many processes, each from a fine source."""
    took, printed = processes.timed_output(processes.PYROMETER, "dump", _SERVICE, "-o", "json")
    sources = [process["source"] for process in json.loads(printed)["processes"]]
    if len(sources) != expected or not set(sources) <= set(fine):
        found = ", ".join(f"{sources.count(source)} {source}" for source in sorted(set(sources)))
        raise RuntimeError(f"{expected} processes with source {' or '.join(fine)} were expected, not {found}")
    return took


def _wait() -> float:
    """Do nothing, for about as long as a dump takes."""
    time.sleep(0.5)
    return 500.0


def _pause(target: processes.Program, act: Callable[[], object]) -> float:
    """The longest pause, in milliseconds, that the target felt meanwhile."""
    target.ask("pause")
    act()
    return float(target.ask("pause"))


def _await_agents(count: int) -> None:
    """Wait until so many processes have an agent: a child gets its own some time after the fork."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with open("/proc/net/unix", encoding="ascii", errors="replace") as file:
            if sum(line.rstrip().endswith(f".{_SERVICE}") for line in file) >= count:
                return
        time.sleep(0.1)
    raise RuntimeError(f"not all of {count} processes have an agent")


def _figure(what: str, bar: float, took: dict[str, list[float]]) -> Figure:
    ours = took["ours"]
    return Figure(
        what,
        median(ours),
        "ms",
        bar,
        quartiles=quartiles(ours),
        beside=[Beside(name, median(each)) for name, each in took.items() if name != "ours"],
    )


ROWS = [Row("dump", measure_threads), Row("gil", measure_gil), Row("processes", measure_processes)]
