"""Processes of the bench: target programs that one talks to line by line, commands that are timed, and /proc."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

PROGRAMS = Path(__file__).parent / "programs"
_PATIENCE = 60.0


class Program:
    """A target program: it said `ready`, takes commands, and answers each with a line of JSON."""

    def __init__(self, name: str, *arguments: str, environment: dict[str, str] | None = None, python: str = "") -> None:
        self._stderr = tempfile.TemporaryFile("w+")  # noqa: SIM115 - a pipe that nobody reads would be full one day
        self._process = subprocess.Popen(
            [python or sys.executable, str(PROGRAMS / f"{name}.py"), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            text=True,
            env={**os.environ, **(environment or {})},
        )
        self.pid = self._process.pid
        first = self._read()
        if first.strip() != "ready":
            complaint = self._complaint()
            self.end()
            raise RuntimeError(f"{name} did not start: {first}{complaint}")

    def ask(self, *words: object) -> Any:
        """Give a command and wait for its answer. Raises RuntimeError if the target ends instead."""
        assert self._process.stdin
        self._process.stdin.write(" ".join(map(str, words)) + "\n")
        self._process.stdin.flush()
        answer = self._read()
        if not answer:
            raise RuntimeError(f"the target ended at {words[0]}: {self._complaint()}")
        return json.loads(answer)

    def read_line(self) -> str:
        """The next line that it prints by itself."""
        return self._read()

    def end(self) -> None:
        """Kill it."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        self._stderr.close()

    def _read(self) -> str:
        assert self._process.stdout
        return self._process.stdout.readline()

    def _complaint(self) -> str:
        self._process.kill()
        self._process.wait()
        self._stderr.seek(0)
        return self._stderr.read()[-2000:]


@contextlib.contextmanager
def program(name: str, *arguments: str, **options: Any) -> Iterator[Program]:
    """Run a target program for as long as the block lasts."""
    started = Program(name, *arguments, **options)
    try:
        yield started
    finally:
        started.end()


def beside_python(name: str) -> str:
    """A command that is installed beside our interpreter, or else on the PATH."""
    path = Path(sys.executable).parent / name
    return str(path) if path.exists() else name


PYROMETER = beside_python("pyrometer")
PYSPY = beside_python("py-spy")


def timed(*argv: str, fine: Sequence[int] = (0,)) -> float:
    """Milliseconds of a command, from start to end.

    Raises:
        RuntimeError: its exit code is not among the `fine` ones.
    """
    return timed_output(*argv, fine=fine)[0]


def timed_output(*argv: str, fine: Sequence[int] = (0,)) -> tuple[float, str]:
    """Milliseconds of a command, and what it printed. Raises RuntimeError as `timed`."""
    began = time.perf_counter()
    done = subprocess.run(
        argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_PATIENCE, check=False
    )
    took = 1000 * (time.perf_counter() - began)
    if done.returncode not in fine:
        raise RuntimeError(f"{' '.join(argv)} ended with {done.returncode}: {done.stderr[-500:]}")
    return took, done.stdout


def wakeups(pid: int) -> int:
    """How often all threads of a process have been put on a processor."""
    return sum(
        int(line.split()[1])
        for task in Path(f"/proc/{pid}/task").iterdir()
        for line in (task / "status").read_text().splitlines()
        if "ctxt_switches" in line
    )


def threads(pid: int) -> int:
    """Threads of a process."""
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


def children(pid: int) -> list[int]:
    """Processes that a process started and that are there."""
    found = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # a thread that has just ended
            found += [int(word) for word in path.read_text().split()]
    return found


def child(pid: int) -> int:
    """The one that a process started. Raises RuntimeError if there is none in time.

    The kernel leaves a child out where one of its siblings ends at that moment.
    """
    deadline = time.monotonic() + _PATIENCE
    while not (found := children(pid)):
        if time.monotonic() > deadline:
            raise RuntimeError(f"process {pid} has no child")
        time.sleep(0.01)
    return found[0]
