"""The text of a hit: reads like a good traceback, the place first, its values under it, the callers after."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from pyrometer.client.render.stacks import folded, place
from pyrometer.client.render.terminal import Style, escape
from pyrometer.client.render.values import line_of

Document = dict[str, Any]


class SnapshotText:
    """Renders hits. `width` columns are filled at most."""

    def __init__(self, style: Style, width: int) -> None:
        self._style = style
        self._width = width

    def lines(self, hit: Document) -> Iterator[str]:
        """One hit."""
        yield self._title(hit)
        if hit["trace_id"]:
            yield f"trace {escape(hit['trace_id'])}"
        raised = hit["exception"]
        if raised and (raised["handled"] is not None or raised["handled_why"]):
            yield self._style.paint(_handled(raised), "dim")
        for text, value in hit["expressions"].items():
            yield f"  {self._style.paint(escape(text), 'cyan')} = {line_of(value, self._width - len(text) - 5)}"
        yield ""
        yield from self._frames(hit["frames"], innermost_is_own=raised is None)
        if hit["frames_left_out"]:
            yield f"  … {hit['frames_left_out']} more frames"

    def _title(self, hit: Document) -> str:
        where = f"{hit['pid']}, {escape(hit['thread'])}, {hit['time'].partition('T')[2].rstrip('Z')[:12]}"
        raised = hit["exception"]
        if raised:
            what = f"{escape(raised['type'].rpartition('.')[2])}: {escape(raised['message'])}"
        else:
            what = (
                f"before line {hit['frames'][0]['line']} of {escape(place(hit['frames'][0]))}"
                if hit["frames"]
                else "hit"
            )
        return f"{self._style.paint(what, 'red' if raised else 'bold', 'bold')}    {self._style.paint(where, 'dim')}"

    def _frames(self, frames: list[Document], *, innermost_is_own: bool) -> Iterator[str]:
        """The service's own frames with their values; the innermost always; runs of others' folded."""
        own = any(frame["origin"] == "service" for frame in frames)
        shown = {
            index
            for index, frame in enumerate(frames)
            if frame["origin"] == "service" or (index == 0 and (innermost_is_own or not own))
        }
        for visible, run in groupby(enumerate(frames), key=lambda pair: pair[0] in shown):
            if visible:
                for _, frame in run:
                    yield from self._frame(frame)
                    yield ""
            else:
                yield self._style.paint(f"  … {folded([frame for _, frame in run])}", "dim")

    def _frame(self, frame: Document) -> Iterator[str]:
        yield f"  {self._style.paint(escape(frame['function']), 'bold')}   {escape(place(frame))}"
        for line in frame.get("context") or []:
            here = line["line"] == frame["line"]
            text = f"  {'▸' if here else ' '} {line['line']:>5}   {escape(line['text'])}"[: self._width]
            yield self._style.paint(text, "bold") if here else self._style.paint(text, "dim")
        yield from self._locals(frame["locals"])

    def _locals(self, values: Document | None) -> Iterator[str]:
        if values is None:
            return
        longest = min(24, max((len(name) for name in values), default=0))
        for name, value in values.items():
            label = escape(name).ljust(longest)
            text = line_of(value, max(20, self._width - longest - 8))
            painted = self._style.paint(text, "yellow") if value["kind"] in ("redacted", "unreadable") else text
            yield f"     {self._style.paint(label, 'cyan')}  {painted}"


def _handled(raised: Document) -> str:
    if raised["handled"] is None:
        return f"handled or not: {escape(raised['handled_why'] or 'not known')}"
    return f"{'handled' if raised['handled'] else 'not handled'} {escape(raised['handled_why'] or '')}".rstrip()
