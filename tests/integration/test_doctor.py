"""`pyrometer doctor`: cause, how to confirm it, remedy."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.integration.remote.leftovers import children
from tests.support.schemas import validate
from tests.support.seccomp import forbid
from tests.support.services import Typed, program, pyrometer, until


def test_a_healthy_service_passes_every_check(unique: str) -> None:
    """Exit code 0, and a document that keeps to its schema."""
    with program("idle", unique):
        typed = pyrometer("doctor", unique, "-o", "json")
    assert typed.code == 0, typed.err
    validate("doctor", typed.document)
    assert [(check["name"], check["ok"]) for check in typed.document["checks"]] == [
        ("process", True),
        ("python", True),
        ("agent", True),
        ("outside", True),
    ]


def test_a_python_without_the_agent_is_told_how_to_get_one() -> None:
    """The cause, and the command to type."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        typed = until(lambda: _settled(process.pid), "it is old enough to have had one")
        process.kill()
    assert typed.code == 0
    assert "pyrometer run" in typed.out


def _settled(pid: int) -> Typed | None:
    typed = pyrometer("doctor", str(pid))
    return typed if "started without one" in typed.out else None


def test_what_is_not_there_or_not_python_is_named() -> None:
    """Faults 1 and 2."""
    assert pyrometer("doctor", "99999999").code == 3
    with subprocess.Popen(["sleep", "60"]) as process:
        typed = pyrometer("doctor", str(process.pid))
        process.kill()
    assert typed.code == 0
    assert "not CPython" in typed.out


def test_a_held_gil_is_named(unique: str) -> None:
    """Fault 5: and what to type."""
    with program("hold_gil", unique) as process:
        typed = pyrometer("doctor", str(process.pid))
    assert typed.code == 0
    assert "the GIL is held" in typed.out
    assert "pyrometer dump" in typed.out


def test_a_python_too_old_for_the_agent_is_named(tmp_path: Path) -> None:
    """By the name of its program, whatever that is a link to."""
    old = tmp_path / "python3.9"
    shutil.copy(Path("/bin/sleep").resolve(), old)
    with subprocess.Popen([str(old), "60"]) as process:
        typed = pyrometer("doctor", str(process.pid))
        process.kill()
    assert "it is Python 3.9: the agent needs 3.11" in typed.out


def test_a_stopped_process_is_named(unique: str) -> None:
    """Fault 4: with the command that lets it go on."""
    with program("idle", unique) as process:
        os.kill(process.pid, signal.SIGSTOP)
        typed = pyrometer("doctor", str(process.pid))
        os.kill(process.pid, signal.SIGCONT)
    assert f"kill -CONT {process.pid}" in typed.out


_SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
_OTEL = ["opentelemetry-instrument", "--traces_exporter=none", "--metrics_exporter=none", "--logs_exporter=none"]
_ABSENCES = [
    pytest.param([_SLEEP[0], "-I", *_SLEEP[1:]], {}, "Python was started with -I", id="isolated"),
    pytest.param(_SLEEP, {"PYROMETER_DISABLE": "1"}, "it was started with PYROMETER_DISABLE", id="disabled"),
    pytest.param(_SLEEP, {"PYROMETER_RUN_DIR": "{folder}"}, "its agent listens in a folder", id="folder"),
    pytest.param(_SLEEP, {"PYTHONPATH": "{mask}"}, "its agent did not start, or was stopped", id="stopped"),
    pytest.param(
        [*_OTEL, *_SLEEP],
        {},
        "opentelemetry-instrument came in between",
        id="masked",
        marks=pytest.mark.needs("opentelemetry"),
    ),
    pytest.param(
        ["unshare", "--net", *_SLEEP],
        {},
        "it is in a net namespace of its own",
        id="net",
        marks=pytest.mark.needs("namespaces"),
    ),
]


@pytest.mark.once
@pytest.mark.parametrize(("words", "variables", "said"), _ABSENCES)
def test_why_run_has_brought_no_agent_is_told(
    words: list[str], variables: dict[str, str], said: str, tmp_path: Path, unique: str
) -> None:
    """Cause, how to confirm it, and what to do: each in a document of its own words."""
    mask = tmp_path / "mask"
    mask.mkdir()
    (mask / "sitecustomize.py").write_text("import sys, pyrometer.agent as agent; agent.start = lambda: None\n")
    given = {name: text.format(folder=tmp_path / "run", mask=mask) for name, text in variables.items()}
    places = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    run = [sys.executable, "-m", "pyrometer.client", "run", "--service", unique, "--", *words]
    with subprocess.Popen(run, env={**os.environ, **places, **given}, stderr=subprocess.DEVNULL) as process:
        try:
            check = until(lambda: _agent_check(process.pid, said), f"doctor says {said!r}")
        finally:
            process.kill()
    assert check["confirm"]
    assert check["remedy"]


@pytest.mark.once
def test_a_child_that_got_another_environment_is_told(unique: str) -> None:
    """It, and the process that started it."""
    words = f"import subprocess, sys; subprocess.run([sys.executable, *{_SLEEP[1:]}], env={{'LANG': 'C'}})"
    run = [sys.executable, "-m", "pyrometer.client", "run", "--service", unique, "--", sys.executable, "-c", words]
    with subprocess.Popen(run, start_new_session=True) as process:
        try:
            (child,) = until(lambda: children(process.pid), "it has a child")
            until(lambda: _agent_check(child, "passed it an environment without PYTHONPATH"), "doctor says why")
            assert f"a process that it started has no agent: {child}" in pyrometer("doctor", unique).out
        finally:
            os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.once
def test_an_agent_that_a_filter_stops_is_told(unique: str) -> None:
    """A seccomp filter on the service, which lets no socket be bound."""
    run = [sys.executable, "-m", "pyrometer.client", "run", "--service", unique, "--", *_SLEEP]
    quiet = {"stderr": subprocess.DEVNULL}
    with subprocess.Popen(run, preexec_fn=partial(forbid, "bind"), **quiet) as process:  # noqa: PLW1509 - one thread
        try:
            until(lambda: _agent_check(process.pid, "a seccomp filter is on the process"), "doctor says why")
        finally:
            process.kill()


@pytest.mark.once
@pytest.mark.needs("namespaces")
def test_a_process_of_another_pid_namespace_is_told(unique: str) -> None:
    """Fault 87: seen from the host, with the command that looks from inside; and it can be read from outside."""
    unshare = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
    run = [*unshare, sys.executable, "-m", "pyrometer.client", "run", "--service", unique, "--", *_SLEEP]
    with subprocess.Popen(run) as process:
        try:
            (child,) = until(lambda: children(process.pid), "it has a child")
            check = until(lambda: _agent_check(child, "it is in a pid namespace of its own"), "doctor says why")
            assert f"nsenter --target {child} --mount --pid --net pyrometer ps" in check["remedy"]
        finally:
            process.kill()


@pytest.mark.once
@pytest.mark.parametrize(
    ("name", "appended", "said"),
    [
        ("pypy3.10", b"", "it is PyPy, "),
        ("graalpy", b"", "it is GraalPy, "),
        ("shopd", b"\0_PyRuntime\0", "with CPython linked into it"),
    ],
)
def test_other_interpreters_are_named(tmp_path: Path, name: str, appended: bytes, said: str) -> None:
    """Fault 2: by program; one that holds CPython has its symbol. Stand-ins here: none of them is a Python."""
    program = tmp_path / name
    program.write_bytes(Path("/bin/sleep").resolve().read_bytes() + appended)
    program.chmod(0o755)
    with subprocess.Popen([program, "60"]) as process:
        typed = pyrometer("doctor", str(process.pid))
        process.kill()
    assert said in typed.out


def _agent_check(pid: int, said: str) -> Any:
    """The check of a process's agent, once it says that."""
    typed = pyrometer("doctor", str(pid), "-o", "json")
    validate("doctor", typed.document)
    return next((check for check in typed.document["checks"] if said in check["cause"]), None)
