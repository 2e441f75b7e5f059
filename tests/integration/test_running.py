"""`pyrometer run`: the agent in programs that know nothing of it, their workers and children too."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyrometer import agent
from tests.support.needs import find_program
from tests.support.services import PROGRAMS, program, pyrometer, until

_QUIET = [f"--{kind}_exporter=none" for kind in ("traces", "metrics", "logs")]


@contextlib.contextmanager
def running(service: str, name: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A program under `run`; it and its children are killed afterwards."""
    program = [sys.executable, str(PROGRAMS / f"{name}.py"), *arguments]
    process = subprocess.Popen(
        [sys.executable, "-m", "pyrometer.client", "run", "--service", service, "--", *program], start_new_session=True
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture
def workers(unique: str) -> Iterator[subprocess.Popen[bytes]]:
    """A master that forks two workers and replaces those that end."""
    with running(unique, "prefork") as process:
        yield process


def test_a_master_and_its_workers_are_one_service(workers: subprocess.Popen[bytes], unique: str) -> None:
    """Fault 17: `run` becomes the program; each worker is addressable, and a new one is there when one was killed."""
    found = until(lambda: _agents(unique, 3), "a master and two workers")
    assert workers.pid in found
    killed = max(found - {workers.pid})
    os.kill(killed, signal.SIGKILL)
    after = until(lambda: _agents(unique, 3, without=killed), "the worker is replaced")
    assert workers.pid in after


def test_a_fork_while_the_agent_is_loaded_loses_nobody(unique: str) -> None:
    """Fault 19: the fork waits until the other thread has loaded it; else the child has half a module and no agent."""
    with running(unique, "forks_early") as process:
        assert process.pid in until(lambda: _agents(unique, 2), "both processes have agents")


@pytest.mark.only_python("3.11")
def test_a_fork_in_c_is_heard_of_in_the_child(unique: str) -> None:
    """Fault 17: uWSGI's workers; what their master had not loaded by then they load themselves.

    From 3.13 on CPython must be told before the fork too, and then it is like any other.
    """
    with running(unique, "forks_in_c") as process:
        assert process.pid in until(lambda: _agents(unique, 2), "both processes have agents")


def test_a_child_may_start_an_agent_of_its_own(unique: str) -> None:
    """Where children=False gave it none, or a fork in C told nobody: `start` in it is not taken for the second."""
    with program("starts_anew", unique) as process:
        try:
            assert process.pid in until(lambda: _agents(unique, 3), "all three have agents")
        finally:
            os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.parametrize(
    "method", ["forkserver", *(pytest.param(each, marks=pytest.mark.once) for each in ("fork", "spawn"))]
)
def test_multiprocessings_own_processes_are_not_listed(unique: str, method: str) -> None:
    """What tracks resources and what forks is nobody's service; what is forked is, though its command line is equal."""
    with running(unique, "pool", method) as process:
        found = until(lambda: _agents(unique, 3), "the program and its two workers")
        assert process.pid in found


@pytest.mark.once
@pytest.mark.needs("python-daemon")
def test_a_daemon_is_found_under_its_last_pid(unique: str, tmp_path: Path) -> None:
    """Fault 26a: it forks twice, closes all descriptors and leaves its group; no other process of it stays."""
    pidfile = tmp_path / "pid"
    with running(unique, "daemonised", str(pidfile)) as process:
        process.wait(30)
        pid = int(until(lambda: pidfile.exists() and pidfile.read_text(), "the daemon runs"))
        try:
            assert until(lambda: _agents(unique, 1), "the daemon's agent answers") == {pid}
        finally:
            os.kill(pid, signal.SIGKILL)


@pytest.mark.once
@pytest.mark.needs("opentelemetry")
def test_run_says_who_hides_the_agent_and_the_other_way_round_works(unique: str) -> None:
    """OpenTelemetry's sitecustomize runs no other; ours runs it."""
    instrument = [find_program("opentelemetry-instrument") or "", *_QUIET]
    program = [sys.executable, "-c", "import sys; print('opentelemetry' in sys.modules, 'pyrometer' in sys.modules)"]
    hidden = pyrometer("run", "--service", unique, "--", *instrument, *program)
    assert "opentelemetry-instrument … pyrometer run -- CMD" in hidden.err
    assert hidden.out.split() == ["True", "False"], hidden.err
    ours = [sys.executable, "-m", "pyrometer.client", "run", "--service", unique, "--"]
    program[-1] = f"import time; time.sleep(1); {program[-1]}"
    done = subprocess.run([*instrument, *ours, *program], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.split() == ["True", "True"], done.stderr


def test_a_program_that_ends_at_once_ends_as_ever() -> None:
    """Same output, same exit code, nothing on stderr."""
    typed = pyrometer("run", "--", sys.executable, "-W", "error", "-c", "print('hi'); raise SystemExit(7)")
    assert typed == (7, "hi\n", "")


def test_an_environments_own_sitecustomize_still_runs(tmp_path: Path) -> None:
    """Ours hides it, and runs it."""
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.flagged = 'yes'\n")
    program = "import sys; print(sys.flagged, sys.modules['sitecustomize'].__file__)"
    typed = pyrometer("run", "--", sys.executable, "-c", program, PYTHONPATH=str(tmp_path))
    assert typed.out.split() == ["yes", str(tmp_path / "sitecustomize.py")], typed.err


@pytest.fixture
def bare(tmp_path: Path) -> str:
    """A Python in whose environment nothing is installed."""
    venv.create(tmp_path / "bare", symlinks=True)
    return str(tmp_path / "bare" / "bin" / "python")


@pytest.mark.parametrize("ours", ["", "regular", "namespace"])
def test_an_environment_without_pyrometer_gets_the_agent_alone(tmp_path: Path, bare: str, ours: str) -> None:
    """What lies beside pyrometer never comes on the path; a package of the service's of that name stays what it is."""
    site, own = tmp_path / "site", tmp_path / "own"
    shutil.copytree(Path(agent.__file__).parents[1], site / "pyrometer")
    if ours:
        (own / "pyrometer").mkdir(parents=True)
        (own / "pyrometer" / ("__init__.py" if ours == "regular" else "part.py")).touch()
    path = f"{site}/pyrometer/agent/bootstrap:{own}"
    command = [bare, str(PROGRAMS / "beside.py"), str(site)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env={"PYTHONPATH": path})
    assert done.stdout == f"{ours != 'regular'} False\n", done.stderr
    assert ("the agent did not start" in done.stderr) is (ours == "regular")


def test_disabled_means_off(unique: str) -> None:
    """PYROMETER_DISABLE=1: the program runs, and no thread of ours."""
    program = "import os, time; time.sleep(0.6); print(len(os.listdir('/proc/self/task')))"
    typed = pyrometer("run", "--service", unique, "--", sys.executable, "-c", program, PYROMETER_DISABLE="1")
    assert typed.out == "1\n", typed.err


def _agents(service: str, count: int, without: int = 0) -> set[int]:
    """Pids of a service whose agents answer, once there are so many."""
    typed = pyrometer("ps", service, "-o", "json")
    if typed.code:
        return set()
    found = {process["pid"] for process in typed.document["processes"] if process["agent"] == "ok"}
    return found if len(found) == count and without not in found else set()
