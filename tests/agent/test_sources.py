"""Source text: of regular .py files that a look has named, and of nothing else."""

from __future__ import annotations

import os
from pathlib import Path

from pyrometer.agent.sources import MAX_LINE, Sources


def test_lines_around_a_line(tmp_path: Path) -> None:
    """As many as there are."""
    file = tmp_path / "a.py"
    file.write_text("one\ntwo\nthree\n")
    sources = Sources()
    sources.name([str(file)])
    assert sources.around(str(file), 2, 1, 5) == [[1, "one"], [2, "two"], [3, "three"]]
    assert sources.around(str(file), 9, 0, 0) is None


def test_a_file_that_no_stack_named_is_not_read(tmp_path: Path) -> None:
    """A server can't read the disk through the agent."""
    file = tmp_path / "a.py"
    file.write_text("secret\n")
    assert Sources().around(str(file), 1, 0, 0) is None


def test_only_regular_python_files_are_read(tmp_path: Path) -> None:
    """Fault 87d: `co_filename` may be /etc/shadow, a pipe or a folder; nothing blocks."""
    pipe, folder, big = tmp_path / "pipe.py", tmp_path / "folder.py", tmp_path / "long.py"
    os.mkfifo(pipe)
    folder.mkdir()
    big.write_text("x" * 10_000)
    names = ["/etc/passwd", str(pipe), str(folder), "relative.py", "<string>", "/nul\0.py", str(big)]
    sources = Sources()
    sources.name(names)
    assert [sources.around(name, 1, 0, 0) for name in names[:-1]] == [None] * 6
    assert sources.around(str(big), 1, 0, 0) == [[1, "x" * MAX_LINE]]


def test_lines_are_counted_as_the_compiler_counts_them(tmp_path: Path) -> None:
    """Form feeds and separators of Unicode end no line; a carriage return does. And a mark of byte order is no text."""
    file = tmp_path / "a.py"
    file.write_bytes(b"\xef\xbb\xbfone\r\n\x0ctwo \xe2\x80\xa8 \x1c\rthree")
    sources = Sources()
    sources.name([str(file)])
    assert sources.around(str(file), 1, 0, 5) == [[1, "one"], [2, "\x0ctwo \u2028 \x1c"], [3, "three"]]
