"""What renders the hits of a verb: a line each, or all that was seen."""

from __future__ import annotations

from pyrometer.client.render.calls import CallText
from pyrometer.client.render.loglines import LogText
from pyrometer.client.render.snapshot import SnapshotText
from pyrometer.client.render.terminal import Style


def text_of(verb: str, style: Style, width: int) -> LogText | CallText | SnapshotText:
    """A renderer for the hits of `log`, `watch`, `snap` or `catch`."""
    if verb == "log":
        return LogText(style)
    return CallText(style, width) if verb == "watch" else SnapshotText(style, width)
