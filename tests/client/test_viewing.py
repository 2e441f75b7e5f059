"""`view`: what it opens, and what it says of files that are no profiles."""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest
from tests.client.profile import examples

from pyrometer.client.command import run
from pyrometer.client.profile import flamegraph, reading, speedscope


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


def test_as_text_it_is_complete(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Hottest functions, threads and ways, of all or of a part, whatever form the file has."""
    file = tmp_path / "shop.html"
    file.write_text(flamegraph.render(examples.profile()), encoding="utf-8")
    assert run(["view", str(file), "--text", "--rows", "1"]) == 0
    out = capsys.readouterr().out
    assert [out.count(f"  {name}") for name in ("FUNCTION", "THREAD", "CALLED", "hot ")] == [1, 1, 1, 4]
    assert run(["view", str(file), "--text", "--thread", "MainThread"]) == 0
    assert "loads" not in capsys.readouterr().out
    assert run(["view", str(file), "--pid", "7"]) == 3
    assert "It has: 4107, 4108" in capsys.readouterr().err


def test_a_part_becomes_a_page_of_its_own(tmp_path: Path) -> None:
    """`--pid` and `--out`."""
    file, out = tmp_path / "shop.json", tmp_path / "part.html"
    file.write_bytes(speedscope.write(examples.profile()))
    assert run(["view", str(file), "--pid", "4108", "--out", str(out)]) == 0
    assert [each.pid for each in reading.read(out.read_bytes()).processes] == [4108]
