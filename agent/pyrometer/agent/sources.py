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
        self._lines: dict[str, list[str] | None] = {}

    def name(self, files: Iterable[str]) -> None:
        """Allow these files: a stack or a hit of this link has frames in them."""
        for file in files:
            if len(self._named) < 20_000:
                self._named.add(file)

    def around(self, file: str, line: int, before: int, after: int) -> list[list[object]] | None:
        """[number, text] of the lines around `line`, or None where the text can't be had."""
        lines = self._read(file) if file in self._named else None
        if lines is None or not 0 < line <= len(lines):
            return None
        first = max(1, line - before)
        return [[n, lines[n - 1][:MAX_LINE]] for n in range(first, min(len(lines), line + after) + 1)]

    def _read(self, file: str) -> list[str] | None:
        if file not in self._lines:
            if len(self._lines) >= _MAX_FILES:
                return None
            self._lines[file] = _read_lines(file)
        return self._lines[file]


def _read_lines(file: str) -> list[str] | None:
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
    return data.decode("utf-8", "replace").splitlines()
