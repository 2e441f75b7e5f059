"""The terminal: its width, its colours, and text that can't command it."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TextIO

_STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "blue": "34", "cyan": "36"}
_NARROWEST, _USUAL = 40, 100
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f")


def escape(text: str, keep: str = "") -> str:
    """Text in which controls, direction marks and lone surrogates are spelled out: it came from a stranger."""
    return "".join(c if c in keep or (c.isprintable() and c not in _BIDI) else ascii(c)[1:-1] for c in text)


def cut(text: str, columns: int) -> str:
    """Text that keeps to so many columns; a mark says that there was more."""
    return text if len(text) <= columns else f"{text[: max(0, columns - 1)]}…"


def width(stream: TextIO | None = None) -> int:
    """Columns to fill, at least 40: COLUMNS, or the terminal's; 100 where there is neither."""
    known = (stream or sys.stdout).isatty() or os.environ.get("COLUMNS", "").isdecimal()
    return max(_NARROWEST, shutil.get_terminal_size((_USUAL, 40)).columns) if known else _USUAL


def colours(stream: TextIO | None = None) -> bool:
    """Whether to colour: NO_COLOR says no, then FORCE_COLOR yes, then whether it is a terminal that can."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return (stream or sys.stdout).isatty() and os.environ.get("TERM") != "dumb"


class Style:
    """Paints text, or leaves it alone: colour helps and is never needed."""

    def __init__(self, *, enabled: bool) -> None:
        self.enabled = enabled

    def paint(self, text: str, *names: str) -> str:
        """Text in these styles."""
        if not self.enabled or not names or not text:
            return text
        return f"\x1b[{';'.join(_STYLES[name] for name in names)}m{text}\x1b[0m"


def columns(rows: list[list[str]], *, right: frozenset[int] = frozenset(), gap: int = 2) -> list[str]:
    """Rows as lines of aligned columns; the last column is as long as it is."""
    if not rows:
        return []
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            cell.rjust(w) if i in right else cell.ljust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append((" " * gap).join(cells).rstrip())
    return lines
