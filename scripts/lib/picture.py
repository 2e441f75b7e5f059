"""Turns what a command printed in colour into a picture of a terminal: `picture.py TITLE <ANSI >SVG`."""

# ruff: noqa: INP001  (a program beside the script that runs it)
from __future__ import annotations

import io
import re
import sys

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

WIDTH = 100
"""Columns: what our commands fill where there is no terminal."""
THEME = TerminalTheme(
    (24, 26, 31),
    (214, 218, 226),
    [
        (92, 99, 112),
        (240, 113, 120),
        (134, 197, 117),
        (232, 178, 85),
        (108, 170, 240),
        (198, 140, 226),
        (98, 196, 206),
        (214, 218, 226),
    ],
)
_FONT_FACE = re.compile(r"@font-face\s*\{[^}]*\}\s*")


def picture(printed: str, title: str) -> str:
    """Draw a terminal; nothing in it is fetched from elsewhere, so the reader's own monospace font is used."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text.from_ansi(printed), end="", soft_wrap=False)
    name = re.sub(r"\W+", "-", title)
    return _FONT_FACE.sub("", console.export_svg(title=title, theme=THEME, unique_id=name))


if __name__ == "__main__":
    sys.stdout.write(picture(sys.stdin.read().rstrip(), sys.argv[1]))
