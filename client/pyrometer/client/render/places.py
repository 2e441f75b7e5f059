"""How a place in code is written: short enough for a line, long enough to be found."""

from __future__ import annotations

import re
from typing import Any

CHANGED = "was changed after it was loaded: its lines are not shown"
"""What there is to say of a file whose text is not what runs."""
_VERSION_FOLDER = re.compile(r"python3\.\d+t?")


def place(frame: dict[str, Any]) -> str:
    """Say where a frame is: file and line; of the file, its last two parts: what tells it to who wrote it.

    Of a library without source only its name is known.
    """
    parts = frame["file"].split("/")[-2:]
    if frame["line"] is None:
        return str(parts[-1])
    if len(parts) == 2 and _VERSION_FOLDER.fullmatch(parts[0]):  # a module of the standard library
        parts = parts[1:]
    return f"{'/'.join(parts)}:{frame['line']}"
