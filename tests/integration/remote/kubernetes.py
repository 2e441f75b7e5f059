"""The API server of the tests as a process, and a kubectl configuration that goes there.

These are protocol tests: the real kubectl speaks to something that executes, but it is not Kubernetes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.integration.remote.leftovers import MARK
from tests.support.needs import find_program

CONTEXTS = ("ann", "eve", "expired")
"""Who asks (api_server.py says what each may do); besides, `down` answers nowhere and `lost` has no address."""


@contextmanager
def running_cluster(folder: Path, mark: str, pods: dict[str, object]) -> Iterator[dict[str, str]]:
    """Run an API server that has these pods (see api_server.py); yield the environment that kubectl needs."""
    pytest.importorskip("aiohttp")
    kubectl = find_program("kubectl")
    assert kubectl is not None
    (folder / "pods.json").write_text(json.dumps(pods))
    program = [sys.executable, str(Path(__file__).with_name("api_server.py")), str(folder / "pods.json")]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True, env={**os.environ, MARK: mark}) as server:
        try:
            assert server.stdout is not None
            port = int(server.stdout.readline())
            (folder / "kubeconfig").write_text(json.dumps(configuration(port)))
            yield {
                "KUBECONFIG": str(folder / "kubeconfig"),
                "KUBECACHEDIR": str(folder / "cache"),
                "PATH": f"{Path(kubectl).parent}:{os.environ['PATH']}",
            }
        finally:
            server.kill()


def configuration(port: int) -> dict[str, object]:
    """Write a kubeconfig: a context for each of those who ask, in the namespace `shop`."""
    servers = {name: f"http://127.0.0.1:{port}/{name}" for name in CONTEXTS}
    servers |= {"down": "http://127.0.0.1:1/ann", "lost": "http://cluster.invalid/ann"}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": {"server": server}} for name, server in servers.items()],
        "users": [{"name": "tests", "user": {}}],
        "contexts": [
            {"name": name, "context": {"cluster": name, "user": "tests", "namespace": "shop"}} for name in servers
        ],
        "current-context": "ann",
    }
