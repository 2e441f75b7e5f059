"""What only containers have: confinement, images without a shell, containers that are not there."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.integration.remote.containers import inside, podman, run, running_container, running_service
from tests.integration.remote.leftovers import new_mark
from tests.integration.remote.places import Place
from tests.support.services import pyrometer, until

pytestmark = [pytest.mark.needs("podman"), pytest.mark.once]


def name_of(place: Place) -> str:
    return place.target.removeprefix("podman:").partition("/")[0]


def test_the_container_is_as_confined_as_it_says(container: Place) -> None:
    """The other tests mean something: uid 1000, no capability, a root that can't be written to, a service as PID 1."""
    status = inside(name_of(container), "cat /proc/1/status; touch /x 2>&1 || true")
    assert "Uid:\t1000\t1000\t1000\t1000" in status
    assert "CapBnd:\t0000000000000000" in status
    assert "NoNewPrivs:\t1" in status
    assert "Read-only file system" in status


def test_a_pid_1_that_does_not_reap_gets_no_zombies(container: Place) -> None:
    """Fault 87a: many looks in a row, and the container has the processes that it had."""
    states = "for each in /proc/[0-9]*; do read -r line <$each/stat && echo $line; done 2>/dev/null || true"
    for _ in range(5):
        assert container.type("dump").code == 0
    until(lambda: not container.started(), "nothing runs there that was not there before")
    pids = [line.split()[0] for line in inside(name_of(container), states).splitlines() if " (sh) " not in line]
    assert pids == ["1"]


def test_an_image_without_a_shell(unique: str, tmp_path: Path) -> None:
    """Fault 87: distroless images have no sh; python3 is started directly."""
    with running_service(tmp_path, new_mark(), unique, shell=False) as name:
        refused = run([*podman(), "exec", name, "sh", "-c", "true"])
        assert refused.returncode != 0
        typed = pyrometer("ps", f"podman:{name}", "-o", "json")
        assert typed.code == 0, typed.err
        assert [found["service"] for found in typed.document["processes"]] == [unique]


@pytest.mark.parametrize("shell", [True, False])
def test_agents_in_a_folder(unique: str, tmp_path: Path, *, shell: bool) -> None:
    """A service with PYROMETER_RUN_DIR is found by --run-dir, by the launcher or without it."""
    with running_service(tmp_path, new_mark(), unique, shell=shell, PYROMETER_RUN_DIR="/tmp/agents") as name:
        typed = pyrometer("ps", f"podman:{name}", "--run-dir", "/tmp/agents", "-o", "json")
        assert typed.code == 0, typed.err
        assert [found["service"] for found in typed.document["processes"]] == [unique]


@pytest.mark.parametrize("shell", [True, False])
def test_no_interpreter_in_the_image(tmp_path: Path, *, shell: bool) -> None:
    """Fault 87: with a shell we say what was tried, without one the runtime does."""
    command = [sys.executable, "-c", "import time; time.sleep(600)"]
    with running_container(tmp_path, new_mark(), command, shell=shell) as name:
        typed = pyrometer("ps", f"podman:{name}", "--server-python", "/no/such/python")
        assert (typed.code, typed.out) == (1, "")
        assert "/no/such/python" in typed.err
        assert "--server-python PATH" in typed.err


def test_no_such_container() -> None:
    """The message is podman's own, the exit code 3."""
    typed = pyrometer("ps", "podman:pyrometer-no-such")
    assert typed.code == 3
    assert "no such container" in typed.err


def test_a_container_that_has_ended(tmp_path: Path) -> None:
    """There is nothing to look at in it: exit code 3."""
    with running_container(tmp_path, new_mark(), ["true"]) as name:
        until(lambda: run([*podman(), "inspect", "-f", "{{.State.Running}}", name]).stdout == "false\n", "it ends")
        typed = pyrometer("ps", f"podman:{name}")
    assert typed.code == 3
    assert "container state improper" in typed.err
