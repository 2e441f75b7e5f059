"""`view`: what it opens, and what it says of files that are no profiles."""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest

from pyrometer.client.command import run


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "does not say what it measures"),
        (b"garbage \xff\x00", "not a pprof profile"),
        (b"\x1f\x8bgarbage", "not a profile"),
        (b'{"traceEvents": []}', "not speedscope's"),
        (b'{"profiles": [', "speedscope's format, or it is broken"),
        (b"<!DOCTYPE html><title>news</title>", "none that pyrometer wrote"),
        (None, "No such file"),
    ],
)
def test_what_is_no_profile_is_named_with_why(
    tmp_path: Path, content: bytes | None, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 1, the file, the reason, and which command writes a profile."""
    file = tmp_path / "shop"
    if content is not None:
        file.write_bytes(content)
    assert run(["view", str(file)]) == 1
    first, second = capsys.readouterr().err.splitlines()
    assert str(file) in first
    assert said in first
    assert "pyrometer record" in second


def test_a_file_that_never_ends_is_not_read_to_its_end(capsys: pytest.CaptureFixture[str]) -> None:
    """A device, or a profile that unpacks to more than memory holds."""
    assert run(["view", "/dev/zero"]) == 1
    assert "larger than a profile may be" in capsys.readouterr().err


def test_a_profile_that_unpacks_to_more_than_it_may_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A few MiB of gzip may hold gigabytes."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = tmp_path / "bomb.pb.gz"
    with bomb.open("wb") as file:
        for _ in range(520):
            file.write(packer.compress(bytes(2**20)))
        file.write(packer.flush())
    assert run(["view", str(bomb)]) == 1
    assert "512 MiB" in capsys.readouterr().err
