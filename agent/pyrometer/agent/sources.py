"""Source text of code that this process runs: only regular `.py` files, only those that a look has named.

No `linecache`: it runs loaders' code and keeps what it read. `co_filename` is the code's own word and may be
"/etc/shadow".
"""

from __future__ import annotations

import posix
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_FILE = 4 * 1024 * 1024
MAX_LINE = 400
_MAX_FILES = 500


class Sources:
    """Reads lines for one link. Files are read once; a file that no stack of this link has named is refused."""

    def __init__(self) -> None:
        self._named: set[str] = set()
        self._lines: dict[str, list[bytes] | None] = {}

    def name(self, files: Iterable[str]) -> None:
        """Allow these files: a stack or a hit of this link has frames in them."""
        for file in files:
            if len(self._named) < 20_000:
                self._named.add(file)

    def has(self, file: str) -> bool:
        """Whether a file was named."""
        return file in self._named

    def around(self, file: str, line: int, before: int, after: int) -> list[list[object]] | None:
        """[number, text] of the lines around `line`, or None where the text can't be had."""
        lines = self._read(file) if file in self._named else None
        if lines is None or not 0 < line <= len(lines):
            return None
        first = max(1, line - before)
        last = min(len(lines), line + after)
        return [[n, lines[n - 1].decode("utf-8", "replace")[:MAX_LINE]] for n in range(first, last + 1)]

    def _read(self, file: str) -> list[bytes] | None:
        if file not in self._lines:
            if len(self._lines) >= _MAX_FILES:
                return None
            self._lines[file] = read_lines(file)
        return self._lines[file]


def read_lines(file: str) -> list[bytes] | None:
    """Lines of a regular `.py` file as the compiler counts them; None where it is none, or can't be read.

    They are what no one has seen yet: lines leave the process by `Sources` only.
    """
    if not file.startswith("/") or not file.endswith(".py"):
        return None
    try:
        number = posix.open(file, posix.O_RDONLY | posix.O_NONBLOCK | posix.O_CLOEXEC | posix.O_NOCTTY)
    except (OSError, ValueError):
        return None
    try:
        status = posix.fstat(number)
        if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_FILE:
            return None
        data = posix.read(number, MAX_FILE)
    except OSError:
        return None
    finally:
        posix.close(number)
    lines = data.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    return lines[:-1] if lines and not lines[-1] else lines
