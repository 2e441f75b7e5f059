"""Agents on socket files, where a service has PYROMETER_RUN_DIR: found as those on abstract sockets are."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.services import program, pyrometer


def test_a_service_is_found_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unique: str) -> None:
    """The file's name says the pid only: the agent is asked. Who does not name the folder finds nothing."""
    folder = tmp_path / "agents"
    monkeypatch.setenv("PYROMETER_RUN_DIR", str(folder))
    with program("idle", unique) as process:
        monkeypatch.delenv("PYROMETER_RUN_DIR")
        assert pyrometer("ps", unique).code == 3
        typed = pyrometer("dump", unique, "--run-dir", str(folder), "-o", "json")
        assert [found["pid"] for found in typed.document["processes"]] == [process.pid], typed.err
        assert pyrometer("dump", unique, "--pid", str(process.pid), "--run-dir", str(folder)).code == 0
        assert pyrometer("dump", "another", "--pid", str(process.pid), "--run-dir", str(folder)).code == 3
