"""`pyrometer serve` and `embed`: any gRPC client may look around."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.services import program, pyrometer, until


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """A running `pyrometer serve`."""
    path = tmp_path / "own" / "grpc.sock"
    argv = [sys.executable, "-m", "pyrometer.client", "serve", "--listen", f"unix:{path}"]
    with subprocess.Popen(argv) as process:
        until(path.exists, "the server listens")
        yield f"unix:{path}"
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        assert not path.exists()


def test_our_own_client_looks_through_it(address: str, unique: str) -> None:
    """`unix:PATH` is a target like any other."""
    with program("idle", unique) as process:
        typed = pyrometer("ps", address, "-o", "json")
        assert typed.code == 0, typed.err
        assert process.pid in {found["pid"] for found in typed.document["processes"]}


def test_a_second_server_does_not_take_the_address_over(address: str) -> None:
    """GRPC alone would let it, silently."""
    typed = pyrometer("serve", "--listen", address)
    assert typed.code == 1
    assert "already" in typed.err


def test_the_socket_is_the_owners_alone(address: str) -> None:
    """Folder 0700, socket without rights for others."""
    path = Path(address.removeprefix("unix:"))
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert path.stat().st_mode & 0o077 == 0


def test_a_third_party_client_lists_and_calls(address: str, unique: str) -> None:
    """`buf curl` finds the services by reflection, and calls one."""
    buf = shutil.which("buf", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if buf is None:
        pytest.skip("buf is not installed")
    with program("idle", unique) as process:
        path = address.removeprefix("unix:")
        common = [buf, "curl", "--http2-prior-knowledge", "--protocol", "grpc", "--unix-socket", path]
        listed = subprocess.run(
            [*common, "--list-services", "http://localhost"], capture_output=True, text=True, check=True
        )
        assert "pyrometer.v1.StackService" in listed.stdout
        called = subprocess.run(
            [*common, "-d", json.dumps({"service": unique}), "http://localhost/pyrometer.v1.StackService/DumpStacks"],
            capture_output=True,
            text=True,
            check=True,
        )
        assert json.loads(called.stdout)["process"]["pid"] == process.pid


@pytest.mark.parametrize(
    ("listen", "code", "words"),
    [
        ("tcp:127.0.0.1:1", 2, "mutual TLS"),
        ("unix:relative", 2, "absolute"),
        ("unix:/" + "x" * 120, 2, "107"),
        ("unix:/tmp/grpc.sock", 1, "0700"),
    ],
)
def test_an_address_that_can_not_be_served_is_refused(listen: str, code: int, words: str) -> None:
    """Fault 76: with words, and without a traceback."""
    typed = pyrometer("serve", "--listen", listen)
    assert typed.code == code
    assert words in typed.err
    assert "Traceback" not in typed.err


def test_a_program_embeds_a_server(tmp_path: Path, unique: str) -> None:
    """A single-process program offers itself."""
    path = tmp_path / "own" / "grpc.sock"
    with program("embedding", unique, str(path)) as process:
        typed = pyrometer("dump", f"unix:{path}", "--pid", str(process.pid), "-o", "json")
        assert typed.code == 0, typed.err
        assert typed.document["processes"][0]["source"] == "agent"
