"""What a recording at 100 Hz takes from the service: alone on the machine, and under a quota."""

from __future__ import annotations

import contextlib
import json
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import groups, processes
from benchmarks.model import Beside, Figure, Row, Setting
from benchmarks.rounds import median, quartiles

_SERVICE = "bench-record"
_WINDOW = 3.0
"""Seconds of work that are counted at a time."""
_STARTING = 1.0
"""Seconds that py-spy has for its start, which is apart."""


@dataclass(frozen=True)
class _Burning:
    """A service at work."""

    pid: int
    counters: Path
    group: Path | None

    def speed(self) -> float:
        """Pieces of work a second, over a window."""
        before, began = self._done(), time.perf_counter()
        time.sleep(_WINDOW)
        return (self._done() - before) / (time.perf_counter() - began)

    def _done(self) -> int:
        return sum(memoryview(self.counters.read_bytes()).cast("Q"))


Recorder = Callable[[_Burning], contextlib.AbstractContextManager[object]]


def measure(setting: Setting) -> Sequence[Figure]:
    """A service with one busy thread, and one with 20."""
    return [_figure(setting, threads, None) for threads in (1, 20)]


def measure_quota(setting: Setting) -> Sequence[Figure]:
    """The same inside a group that may use half a core, or one core; the server and py-spy are inside too."""
    return [_figure(setting, threads, cores) for cores in (0.5, 1.0) for threads in (1, 20)]


def _figure(setting: Setting, threads: int, cores: float | None) -> Figure:
    recorders: dict[str, Recorder] = {
        "nothing": contextlib.nullcontext,
        "pyrometer": _by_pyrometer,
        "py-spy record": _by_pyspy,
        "py-spy record --nonblocking": lambda burning: _by_pyspy(burning, "--nonblocking"),
    }
    with _burning(threads, cores) as burning:
        left = _shares(burning, recorders, setting.rounds(6))
    threads_text = f"{threads} thread{'' if threads == 1 else 's'}"
    if cores is None:
        # How many times longer the same work takes.
        left = {name: [1 / share for share in shares] for name, shares in left.items()}
        what, bar, at_least = f"record at 100 Hz, {threads_text}: slower", 1.01, False
    else:
        what, bar, at_least = f"record, {threads_text}, {cores:g} core: work done", 0.95, True
    ours = left.pop("pyrometer")
    control = median(left.pop("nothing"))
    beside = [Beside(name, median(shares)) for name, shares in left.items()]
    return Figure(what, median(ours), "x", bar, at_least, quartiles(ours), control, beside)


def _shares(burning: _Burning, recorders: dict[str, Recorder], rounds: int) -> dict[str, list[float]]:
    """Speed while each records, against that before and after it."""
    shares: dict[str, list[float]] = {name: [] for name in recorders}
    burning.speed()
    for _ in range(rounds):
        before = burning.speed()
        for name, recorder in recorders.items():
            with recorder(burning):
                during = burning.speed()
            after = burning.speed()
            shares[name].append(2 * during / (before + after))
            before = after
    return shares


@contextlib.contextmanager
def _burning(threads: int, cores: float | None) -> Iterator[_Burning]:
    with contextlib.ExitStack() as stack:
        group = stack.enter_context(groups.limited(cores)) if cores is not None else None
        counters = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "counters"
        target = stack.enter_context(processes.program("burner", _SERVICE, str(threads), str(counters)))
        if group is not None:
            groups.enter(group, target.pid)
        yield _Burning(target.pid, counters, group)


@contextlib.contextmanager
def _by_pyrometer(burning: _Burning) -> Iterator[None]:
    """By ours. The server is where the service is, as `docker exec` and `kubectl exec` put it."""
    asked = json.dumps({"record": {"duration": "300s", "rate": 100}})
    with processes.program("watcher", str(burning.pid), asked) as watcher:
        if burning.group is not None:
            groups.enter(burning.group, watcher.ask("server"))
        if not watcher.ask("started"):
            raise RuntimeError("the recording did not begin")
        time.sleep(_STARTING)
        yield
        outcome = watcher.ask("end")
        if "error" in (outcome or {"error": "it did not end"}):
            raise RuntimeError(f"the recording failed: {outcome}")


@contextlib.contextmanager
def _by_pyspy(burning: _Burning, *flags: str) -> Iterator[None]:
    with tempfile.TemporaryDirectory() as folder:
        asked = f"--rate 100 --duration 300 --format raw --output {folder}/profile --pid {burning.pid}".split()
        process = subprocess.Popen(
            [processes.PYSPY, "record", *asked, *flags],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            if burning.group is not None:
                groups.enter(burning.group, process.pid)
            time.sleep(_STARTING)
            yield
            if process.poll() is not None:
                raise RuntimeError("py-spy ended early")
        finally:
            process.terminate()
            process.wait()


ROWS = [Row("record", measure), Row("quota", measure_quota)]
