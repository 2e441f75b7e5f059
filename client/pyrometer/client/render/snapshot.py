"""The text of a hit: reads like a good traceback, the place first, its values under it, the callers after."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from pyrometer.client.render.places import place
from pyrometer.client.render.stacks import folded, short_name
from pyrometer.client.render.terminal import Style, cut, escape
from pyrometer.client.render.values import line_of, numbered
from pyrometer.client.render.variables import VariableText, complete, referred_to

Document = dict[str, Any]
_WIDEST_TITLE = 100
_UNDETERMINED = "not determined yet"
"""What an agent says of `handled` where it does not follow an exception: nothing that helps a person."""


class SnapshotText:
    """Renders hits. `width` columns are filled at most."""

    spaced = True
    """Whether an empty line stands between two hits."""

    def __init__(self, style: Style, width: int) -> None:
        self._style = style
        self._width = width
        self._variables = VariableText(style, width)
        self._wanted: set[int] = set()

    def lines(self, hit: Document) -> Iterator[str]:
        """One hit."""
        yield from self._title(hit)
        raised = hit["exception"]
        facts = [_handled(raised) if raised else "", f"trace {escape(hit['trace_id'])}" if hit["trace_id"] else ""]
        for fact in filter(None, facts):
            yield self._style.paint(fact, "dim")
        shown = _shown(hit["frames"], innermost_is_own=raised is None)
        frames = complete(hit["frames"], shown)
        visible = [frames[index]["locals"] or {} for index in shown]
        self._wanted = referred_to(value for values in (hit["expressions"], *visible) for value in values.values())
        for text, value in hit["expressions"].items():
            name = self._style.paint(escape(text), "cyan")
            line = line_of(numbered(value, self._wanted), max(20, self._width - len(text) - 5))
            yield f"  {name} = {self._text(line, withheld=value['kind'] in ('redacted', 'unreadable'))}"
        yield ""
        yield from self._frames(frames, shown)
        if hit["frames_left_out"]:
            yield self._style.paint(f"  … {hit['frames_left_out']} more frames", "dim")

    def _title(self, hit: Document) -> Iterator[str]:
        """What it is on the left, whose it is on the right; below each other where one line can't hold both."""
        raised, frames = hit["exception"], hit["frames"]
        if raised:
            message = f": {escape(raised['message'])}" if raised["message"] else ""
            what = f"{escape(raised['type'].rpartition('.')[2])}{message}"
        else:
            what = f"before {escape(place(frames[0]))} runs" if frames else "hit"
        where = f"{hit['pid']}, {escape(short_name(hit['thread']))}, {hit['time'].partition('T')[2].rstrip('Z')[:12]}"
        room = min(self._width, _WIDEST_TITLE) - len(what) - len(where)
        title, owner = self._style.paint(what, "red" if raised else "bold", "bold"), self._style.paint(where, "dim")
        yield from [f"{title}{' ' * room}{owner}"] if room >= 3 else [title, owner]

    def _frames(self, frames: list[Document], shown: set[int]) -> Iterator[str]:
        """Those to show with their values, runs of the others folded."""
        for visible, run in groupby(enumerate(frames), key=lambda pair: pair[0] in shown):
            if visible:
                for _, frame in run:
                    yield from self._frame(frame)
                    yield ""
            else:
                yield self._style.paint(f"  … {folded([frame for _, frame in run])}", "dim")

    def _frame(self, frame: Document) -> Iterator[str]:
        yield f"  {self._style.paint(escape(frame['function']), 'bold')}   {escape(place(frame))}"
        context = [line for line in frame.get("context") or [] if line["text"].strip()]
        for line in context:
            here = line["line"] == frame["line"]
            text = cut(f"  {'▸' if here else ' '} {line['line']:>5}   {escape(line['text'])}", self._width)
            yield self._style.paint(text, "bold" if here else "dim")
        yield from self._variables.lines(frame, self._wanted)

    def _text(self, text: str, *, withheld: bool) -> str:
        return self._style.paint(text, "yellow") if withheld else text


def _shown(frames: list[Document], *, innermost_is_own: bool) -> set[int]:
    """Indexes of the frames to show: the service's own, and the innermost where it is asked for or nothing is own."""
    own = {index for index, frame in enumerate(frames) if frame["origin"] == "service"}
    return own | ({0} if frames and (innermost_is_own or not own) else set())


def _handled(raised: Document) -> str:
    """Whether somebody handled it, and who; empty where that is not known."""
    why = escape(raised["handled_why"] or "")
    if raised["handled"] is None:
        return f"handled or not is not known: {why}" if why and why != _UNDETERMINED else ""
    return f"{'handled' if raised['handled'] else 'not handled'} {why}".rstrip()
