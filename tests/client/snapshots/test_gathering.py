"""What `--out` keeps: whole, for its owner only, also where the probe was interrupted."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.client.snapshots.examples import hit, snapshot

from pyrometer.client.command import run
from pyrometer.client.snapshots import gathering, reading
from pyrometer.client.snapshots.gathering import Gathering


def test_what_had_come_is_kept_when_it_is_interrupted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Ctrl-C, or a target that went away, does not lose the hits before it."""
    out = tmp_path / "shop.html"
    kept = Gathering("catch", "pyrometer catch", "shop", out)
    for event in snapshot().events:
        kept.take(event)
    with pytest.raises(KeyboardInterrupt), kept:
        raise KeyboardInterrupt
    assert reading.read(out.read_bytes()).hits == [hit()]
    assert out.stat().st_mode & 0o777 == 0o600
    assert f"pyrometer view {out}" in capsys.readouterr().err


def test_where_nothing_came_nothing_is_written(tmp_path: Path) -> None:
    """And what was there stays."""
    out = tmp_path / "shop.json"
    out.write_text("old")
    with Gathering("catch", "", "shop", out) as kept:
        kept.take(snapshot().events[0])
    assert out.read_text() == "old"


def test_more_than_there_is_room_for_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand hits may be a gigabyte."""
    monkeypatch.setattr(gathering, "MAX_BYTES", 4000)
    out = tmp_path / "shop.json"
    with Gathering("catch", "", "shop", out) as kept:
        for _ in range(5):
            kept.take(hit())
    found = reading.read(out.read_bytes())
    assert (len(found.hits), found.left_out) == (1, 4), found.left_out


@pytest.mark.parametrize(("name", "code"), [("shop.txt", 2), ("shop", 2), ("absent/shop.html", 1)])
def test_a_file_that_can_not_be_is_refused_before_anything_is_armed(
    tmp_path: Path, name: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """A minute of waiting for nothing is worse than an error."""
    assert run(["snap", "no-such-service", "shop/cart.py:4", "--out", str(tmp_path / name)]) == code
    assert len(capsys.readouterr().err.splitlines()) == 2
