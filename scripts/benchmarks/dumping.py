"""What it takes to see all stacks: of many threads, of many processes, of one that holds the GIL for ever."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence

from benchmarks import processes
from benchmarks.model import Beside, Figure, Row, Setting
from benchmarks.rounds import in_turn, median, quartiles

_SERVICE = "bench-dump"
_PROCESSES = 50


def measure_threads(setting: Setting) -> Sequence[Figure]:
    """A process of 100 threads: the whole command, and the longest pause that a busy thread of it feels."""
    with processes.program("hundred", _SERVICE) as target:
        rounds = setting.rounds(9)
        ours: Callable[[], float] = lambda: _dump(1, "agent")  # noqa: E731 - the table below reads better
        theirs: Callable[[], float] = lambda: processes.timed(processes.PYSPY, "dump", "--pid", str(target.pid))  # noqa: E731
        took = in_turn(rounds, {"ours": ours, "py-spy": theirs})
        target.ask("spin")
        paused = in_turn(
            rounds,
            {
                "ours": lambda: _pause(target, ours),
                "py-spy": lambda: _pause(target, theirs),
                "nothing": lambda: _pause(target, lambda: time.sleep(0.5)),
            },
        )
    return [
        _figure("dump, 100 threads: whole command", 600, took, ["py-spy"]),
        _figure("dump, 100 threads: longest pause inside", 5, paused, ["py-spy", "nothing"]),
    ]


def measure_gil(setting: Setting) -> Sequence[Figure]:
    """A process whose GIL is held for ever."""
    with processes.program("holder", _SERVICE) as target:
        took = in_turn(
            setting.rounds(6),
            {
                "ours": lambda: _dump(1, "outside"),
                "py-spy": lambda: processes.timed(processes.PYSPY, "dump", "--pid", str(target.pid)),
            },
        )
    return [_figure("dump, GIL held for ever", 1500, took, ["py-spy"])]


def measure_processes(setting: Setting) -> Sequence[Figure]:
    """A service of 50 processes, of four threads each."""
    with processes.program("workers", _SERVICE, str(_PROCESSES)) as target:
        _await_agents(_PROCESSES)
        pids = [target.pid, *processes.children(target.pid)]
        took = in_turn(
            setting.rounds(6),
            {
                "ours": lambda: _dump(_PROCESSES, "agent"),
                "py-spy, one after the other": lambda: sum(
                    processes.timed(processes.PYSPY, "dump", "--pid", str(pid)) for pid in pids
                ),
            },
        )
    return [_figure("dump, 50 processes", 1500, took, ["py-spy, one after the other"])]


def _dump(expected: int, source: str) -> float:
    """Milliseconds of a dump. Raises RuntimeError if it is not what was expected."""
    took, printed = processes.timed_output(processes.PYROMETER, "dump", _SERVICE, "-o", "json")
    sources = [process["source"] for process in json.loads(printed)["processes"]]
    if sources != [source] * expected:
        raise RuntimeError(f"{expected} processes with source {source} were expected, not {sources}")
    return took


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


def _figure(what: str, bar: float, took: dict[str, list[float]], beside: Sequence[str]) -> Figure:
    ours = took["ours"]
    return Figure(
        what,
        median(ours),
        "ms",
        bar,
        quartiles=quartiles(ours),
        beside=[Beside(name, median(took[name])) for name in beside],
    )


ROWS = [Row("dump", measure_threads), Row("gil", measure_gil), Row("processes", measure_processes)]
