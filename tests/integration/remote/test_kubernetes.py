"""What only kubectl has. Protocol tests: the kubectl is real and what it starts runs, but it is not Kubernetes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.remote.kubernetes import running_cluster
from tests.integration.remote.leftovers import marked, new_mark
from tests.integration.remote.places import Place
from tests.support.services import pyrometer, until

pytestmark = [pytest.mark.needs("kubectl"), pytest.mark.once]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("k8s:shop/web-8",), 3, 'pods "web-8" not found'),
        (("k8s:stop/web-7",), 3, "not found"),
        (("k8s:shop/web-7", "-c", "sidecar"), 3, "container sidecar is not valid for pod web-7"),
        (("k8s:shop/web-7", "--context", "nowhere"), 3, "context"),
        (("k8s:shop/job-1",), 3, "current phase is Succeeded"),
        (("k8s:shop/web-7", "--context", "eve"), 4, 'cannot create resource "pods/exec"'),
        (("k8s:shop/web-7", "--context", "expired"), 4, "logged in"),
        (("k8s:shop/web-7", "--context", "lost"), 3, "no such host"),
        (("k8s:shop/web-7", "--context", "down"), 1, "was refused"),
    ],
)
def test_who_is_not_let_in_hears_it_from_kubectl(
    cluster: str, arguments: tuple[str, ...], code: int, words: str
) -> None:
    """Fault 88: kubectl's own message, and the exit code that belongs to it."""
    typed = pyrometer("ps", *arguments)
    assert (typed.code, typed.out) == (code, "")
    assert words in typed.err


def test_no_kubectl(cluster: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fault 88: said before anything is started."""
    monkeypatch.setenv("PATH", str(tmp_path))
    typed = pyrometer("ps", "k8s:shop/web-7")
    assert (typed.code, typed.out) == (1, "")
    assert "no kubectl" in typed.err


def test_no_interpreter_in_the_pod(cluster: str) -> None:
    """Fault 87: the launcher's status comes through kubectl."""
    typed = pyrometer("ps", "k8s:shop/web-7", "--server-python", "/no/such/python")
    assert typed.code == 1
    assert "Tried /no/such/python: not found" in typed.err


def test_the_current_namespace_is_kubectl_s(cluster: str) -> None:
    """A pod without a namespace is looked for where the user's context says."""
    assert "Tried /no" in pyrometer("ps", "k8s:web-7", "--server-python", "/no").err


@pytest.mark.needs("podman")
def test_a_pod_that_is_a_container(container: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both at once: kubectl carries to a server in a confined container, and nothing is left in it."""
    name, _, service = container.target.removeprefix("podman:").partition("/")
    pods: dict[str, object] = {
        "shop/web-7": {"phase": "Running", "containers": {"app": ["podman", "exec", "-i", name]}},
    }
    with running_cluster(tmp_path, new_mark(), pods) as environment:
        for variable, value in environment.items():
            monkeypatch.setenv(variable, value)
        typed = pyrometer("dump", f"k8s:shop/web-7/{service}", "-c", "app", "-o", "json")
        assert typed.code == 0, typed.err
        assert [stacks["pid"] for stacks in typed.document["processes"]] == [1]
        until(lambda: marked(container.mark) == container.before, "nothing is left in the container")
