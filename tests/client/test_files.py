"""Files that the client writes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pyrometer.client import files
from pyrometer.client.errors import ClientError


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    """What was there is gone, nothing else is left beside it, and the umask counts."""
    page = tmp_path / "shop.html"
    page.write_text("old")
    files.check_writable(page)
    files.write_whole(page, b"new")
    assert page.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["shop.html"]


def test_a_link_is_followed(tmp_path: Path) -> None:
    """The file that a link leads to is written; the link stays."""
    real, link = tmp_path / "real.html", tmp_path / "link.html"
    real.write_text("old")
    link.symlink_to(real)
    files.check_writable(link)
    files.write_whole(link, b"new")
    assert link.is_symlink()
    assert real.read_bytes() == b"new"


def test_a_pipe_or_a_device_is_written_to_and_stays_one(tmp_path: Path) -> None:
    """`--out /dev/full` as root must not put a file in the device's place."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        files.check_writable(pipe)
        files.write_whole(pipe, b"new")
        assert os.read(reader, 10) == b"new"
        assert pipe.is_fifo()
    finally:
        os.close(reader)


@pytest.mark.parametrize("name", ["", "absent/shop.html"])
def test_what_can_not_be_written_is_said_before_the_work_with_what_to_type(tmp_path: Path, name: str) -> None:
    """A folder, or a folder that is not there: exit code 1, and the next step."""
    with pytest.raises(ClientError) as caught:
        files.check_writable(tmp_path / name)
    assert caught.value.exit_code == 1
    assert caught.value.next


def test_a_full_disk_leaves_what_was_there(tmp_path: Path) -> None:
    """A device that takes nothing: the error says why, and what to do."""
    with pytest.raises(ClientError, match="No space left on device") as caught:
        files.write_whole(Path("/dev/full"), b"new")
    assert "--out" in caught.value.next
