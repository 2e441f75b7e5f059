"""The text of log lines: one a hit, when and where it came from on the left, aligned."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pyrometer.client.render.stacks import short_name
from pyrometer.client.render.terminal import Style, cut, escape

Document = dict[str, Any]
_LONGEST_NAME = 20


class LogText:
    """Renders hits that have a message. The columns grow with what they have to hold."""

    spaced = False
    """Whether an empty line stands between two hits."""

    def __init__(self, style: Style) -> None:
        self._style = style
        self._pid = self._thread = 0

    def lines(self, hit: Document) -> Iterator[str]:
        """One hit."""
        second, _, fraction = hit["time"].partition("T")[2].rstrip("Z").partition(".")
        time = f"{second}.{fraction:0<3.3}"
        thread = cut(escape(short_name(hit["thread"])), _LONGEST_NAME)
        self._pid = max(self._pid, len(str(hit["pid"])))
        self._thread = max(self._thread, len(thread))
        whose = f"{time}  {hit['pid']:>{self._pid}}  {thread:<{self._thread}}"
        yield f"{self._style.paint(whose, 'dim')}  {escape(hit.get('message', ''))}"
