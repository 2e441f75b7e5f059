"""What several processes could not do, said once for all that say the same."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pyrometer.client.render.terminal import escape

_SHOWN = 5
_WHO = re.compile(r"^process \d+ of user \d+: ")
"""How an agent names our server, whose pid differs from look to look and tells nobody anything."""


def lines(errors: list[dict[str, Any]]) -> Iterator[str]:
    """A line for each message, with whom it is of."""
    groups: dict[str, list[int]] = {}
    for error in errors:
        groups.setdefault(_WHO.sub("", error["message"]), []).append(error["pid"])
    for message, pids in groups.items():
        yield f"» {few(pids)}: {escape(message)}"


def few(pids: list[int]) -> str:
    """Process ids in their order, a handful of them."""
    shown = ", ".join(map(str, sorted(pids)[:_SHOWN]))
    return f"{shown} and {len(pids) - _SHOWN} more" if len(pids) > _SHOWN else shown
