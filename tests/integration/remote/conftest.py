"""Places to look at: a machine by ssh, a container by podman, a pod by kubectl."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.remote.containers import running_service
from tests.integration.remote.kubernetes import running_cluster
from tests.integration.remote.leftovers import marked, new_mark
from tests.integration.remote.places import Place
from tests.integration.remote.sshd import Sshd, running_sshd
from tests.support.services import program

PODS = {
    "shop/web-7": {"phase": "Running", "containers": {"app": []}},
    "shop/job-1": {"phase": "Succeeded", "containers": {"app": []}},
}
CARRIERS = [
    pytest.param("ssh", marks=pytest.mark.needs("sshd")),
    pytest.param("podman", marks=pytest.mark.needs("podman")),
    pytest.param("kubectl", marks=pytest.mark.needs("kubectl")),
]


@pytest.fixture(scope="module")
def the_sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """Run one sshd for all tests of a module."""
    with running_sshd(tmp_path_factory.mktemp("sshd"), new_mark()) as sshd:
        yield sshd


@pytest.fixture(scope="module")
def the_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[dict[str, str], str]]:
    """Run one API server for all tests of a module; yield kubectl's environment and the mark of what it starts."""
    mark = new_mark()
    with running_cluster(tmp_path_factory.mktemp("cluster"), mark, PODS) as environment:
        yield environment, mark


@pytest.fixture
def sshd(the_sshd: Sshd, monkeypatch: pytest.MonkeyPatch) -> Sshd:
    """Put the ssh that goes to the tests' sshd first on the PATH."""
    monkeypatch.setenv("PATH", f"{the_sshd.path}:{os.environ['PATH']}")
    return the_sshd


@pytest.fixture
def cluster(the_cluster: tuple[dict[str, str], str], monkeypatch: pytest.MonkeyPatch) -> str:
    """Let kubectl go to the tests' API server; return the mark of what it starts."""
    environment, mark = the_cluster
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return mark


@pytest.fixture
def service_program() -> str:
    """Name the target program that runs in a place; a module may override it."""
    return "idle"


@pytest.fixture
def container(service_program: str, unique: str, tmp_path: Path) -> Iterator[Place]:
    """Run the service as PID 1 of a confined container."""
    mark = new_mark()
    with running_service(tmp_path, mark, unique, program=service_program) as name:
        yield Place(f"podman:{name}/{unique}", 1, mark, frozenset(marked(mark)))


@pytest.fixture(params=CARRIERS)
def place(request: pytest.FixtureRequest, service_program: str, unique: str) -> Iterator[Place]:
    """Run the service in each of the places."""
    if request.param == "podman":
        yield request.getfixturevalue("container")
    elif request.param == "ssh":
        sshd: Sshd = request.getfixturevalue("sshd")
        with program(service_program, unique) as service:
            yield Place(f"ssh:quiet/{unique}", service.pid, sshd.mark, frozenset(marked(sshd.mark)))
    else:
        mark: str = request.getfixturevalue("cluster")
        with program(service_program, unique) as service:
            before = frozenset(marked(mark))
            yield Place(f"k8s:shop/web-7/{unique}", service.pid, mark, before, (sys.executable,))
