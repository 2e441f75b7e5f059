"""The agent's address as a file."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from pyrometer.agent.listener import Listener, RunDirRefused


def test_the_socket_of_another_container_stays(tmp_path: Path) -> None:
    """Its process has our pid in a namespace of its own: both are found under that pid."""
    folder = tmp_path / "agents"
    first = Listener("shop", str(folder))
    second = Listener("shop", str(folder))
    assert sorted(os.listdir(folder)) == sorted([f"{os.getpid()}.sock", f"0{os.getpid()}.sock"])
    second.close()
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(first.path))
    first.close()
    assert os.listdir(folder) == []


def test_a_stale_one_is_removed(tmp_path: Path) -> None:
    """Of an earlier process of the same pid."""
    folder = tmp_path / "agents"
    folder.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(folder / f"{os.getpid()}.sock"))
    listener = Listener("shop", str(folder))
    assert os.listdir(folder) == [f"{os.getpid()}.sock"]
    listener.close()


def test_any_bytes_may_name_the_folder(tmp_path: Path) -> None:
    """But NUL, which is refused as what it is."""
    listener = Listener("shop", f"{tmp_path}/agents\udcff")
    assert listener.ours
    listener.close()
    with pytest.raises(RunDirRefused):
        Listener("shop", f"{tmp_path}/a\0b")
