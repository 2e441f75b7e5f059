"""The text of a hit: reads like a good traceback, the place first, its values under it, the callers after."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from pyrometer.client.render import withheld
from pyrometer.client.render.causes import causes
from pyrometer.client.render.places import CHANGED, place
from pyrometer.client.render.sharing import Shared
from pyrometer.client.render.stacks import folded, short_name
from pyrometer.client.render.terminal import Style, cut, escape
from pyrometer.client.render.values import labelled, line_of, numbered, objects
from pyrometer.client.render.variables import VariableText, complete, referred_to

Document = dict[str, Any]
_WIDEST_TITLE = 100
_NOT_YET = "not yet known"
"""What an agent says of `handled` where it will tell later: nothing that helps a person."""
_AROUND = (3, 1)
"""Lines of source before and after the place; of the callers only the line that calls is shown."""
_BESIDE_A_VALUE = 24
"""Columns of a line that are not the value's: its name, and the indentation."""
_INDENT = "     "


class SnapshotText:
    """Renders hits. `width` columns are filled at most."""

    spaced = True
    """Whether an empty line stands between two hits."""

    def __init__(self, style: Style, width: int) -> None:
        self._style = style
        self._width = width
        self._variables = VariableText(style, width)
        self._changed: set[str] = set()

    def lines(self, hit: Document) -> Iterator[str]:
        """One hit."""
        self._changed = set(hit.get("changed_files") or ())
        yield from self._title(hit)
        yield from self._facts(hit)
        shown = _shown(hit["frames"], innermost_is_own=hit["exception"] is None)
        frames = complete(hit["frames"], shown)
        asked = told_here(hit["expressions"], hit["frames"])
        visible = [*asked.values()]
        visible += [value for index in sorted(shown) for value in (frames[index]["locals"] or {}).values()]
        wanted = referred_to(visible)
        shared = Shared(visible, wanted, self._width - _BESIDE_A_VALUE)
        yield from self._expressions(asked, shared, wanted)
        yield ""
        yield from self._frames(frames, shown, shared, wanted)
        if hit["frames_left_out"]:
            yield self._style.paint(f"  … {hit['frames_left_out']} more frames", "dim")
        yield from self._below(shared, wanted)
        yield from self._withheld(visible)

    def _title(self, hit: Document) -> Iterator[str]:
        """What it is on the left, whose it is on the right; below each other where one line can't hold both."""
        what = title_of(hit)
        where = _owner(hit)
        room = min(self._width, _WIDEST_TITLE) - len(what) - len(where)
        title = self._style.paint(what, "red" if hit["exception"] else "bold", "bold")
        owner = self._style.paint(where, "dim")
        yield from [f"{title}{' ' * room}{owner}"] if room >= 3 else [title, owner]

    def _facts(self, hit: Document) -> Iterator[str]:
        """What became of an exception, what had led to it, and whose request it was."""
        raised = hit["exception"]
        if raised and (handled := handling_of(raised)):
            yield self._style.paint(handled, "dim")
        for note in (raised or {}).get("notes", ()):
            yield cut(f"note: {escape(note)}", self._width)
        for line in causes(raised or {}):
            yield self._style.paint(cut(line, self._width), "red")
        if hit["trace_id"]:
            yield self._style.paint(f"trace {escape(hit['trace_id'])}", "dim")

    def _expressions(self, values: Document, shared: Shared, wanted: set[int]) -> Iterator[str]:
        """What was asked for, first."""
        for text, value in values.items():
            lead = f"  {self._style.paint(escape(text), 'cyan')} = "
            room = max(20, self._width - len(escape(text)) - 5)
            line = line_of(numbered(shared.referred(value), wanted), room)
            yield lead + self._variables.text(line, withheld=value["kind"] in ("redacted", "unreadable"))

    def _frames(self, frames: list[Document], shown: set[int], shared: Shared, wanted: set[int]) -> Iterator[str]:
        """Those to show with their values, runs of the others folded."""
        first = min(shown, default=-1)
        for visible, run in groupby(enumerate(frames), key=lambda pair: pair[0] in shown):
            if visible:
                for index, frame in run:
                    held = {name: shared.referred(value) for name, value in (frame["locals"] or {}).items()}
                    yield from self._frame(frame, *(_AROUND if index == first else (0, 0)))
                    yield from self._variables.lines({**frame, "locals": held}, wanted, containers=index == first)
                    yield ""
            else:
                yield self._style.paint(f"  … {folded([frame for _, frame in run])}", "dim")

    def _frame(self, frame: Document, before: int, after: int) -> Iterator[str]:
        """The function, and its source around the line."""
        yield f"  {self._style.paint(escape(frame['function']), 'bold')}   {escape(place(frame))}"
        at = frame["line"] or 0
        for line in frame.get("context") or []:
            if at - before <= line["line"] <= at + after and line["text"].strip():
                here = line["line"] == at
                text = f"  {'▸' if here else ' '} {line['line']:>5}   {escape(line['text'])}"
                yield self._style.paint(cut(text, self._width), "bold" if here else "dim")
        if not frame.get("context") and frame["file"] in self._changed:
            yield self._style.paint(f"    the file {CHANGED}", "yellow")

    def _below(self, shared: Shared, wanted: set[int]) -> Iterator[str]:
        """What several places refer to, once."""
        for number, value in shared.below():
            yield ""
            name = f"#{number} {escape(value['type'].rpartition('.')[2])}"
            yield f"  {self._style.paint(name, 'bold')}"
            yield from self._variables.table(dict(labelled(value)), wanted, _INDENT, containers=True)

    def _withheld(self, visible: Iterable[Document]) -> Iterator[str]:
        """What is not shown, and why."""
        for index, sentence in enumerate(withheld.summary(visible)):
            if not index:
                yield ""
            yield self._style.paint(cut(f"  {sentence}", self._width), "dim")


def title_of(hit: Document) -> str:
    """What a hit is: the exception, or the place."""
    raised, frames = hit["exception"], hit["frames"]
    if raised:
        message = f": {escape(raised['message'])}" if raised["message"] else ""
        return f"{escape(raised['type'].rpartition('.')[2])}{message}"
    if not frames:
        return "hit"
    file, _, line = escape(place(frames[0])).rpartition(":")
    return f"before line {line} of {file}" if file else f"in {line}"


def handling_of(raised: Document) -> str:
    """Whether somebody handled an exception, and who; empty where that is not known yet."""
    why = escape(raised["handled_why"] or "")
    if raised["handled"] is None:
        return f"handled or not is not known: {why}" if why and why != _NOT_YET else ""
    if raised["handled"]:
        return f"handled {why}".rstrip()
    return f"nobody handled it: it {why}" if why else "nobody handled it"


def verdict_text(hit: Document, verdict: Document) -> str:
    """What became of the exception of a hit that was shown before."""
    name = escape(hit["exception"]["type"].rpartition(".")[2])
    return f"{name} of {_owner(hit)}: {handling_of(verdict) or 'what became of it is not known'}"


def _owner(hit: Document) -> str:
    """Whose hit it is, and when it was."""
    return f"{hit['pid']}, {escape(short_name(hit['thread']))}, {hit['time'].partition('T')[2].rstrip('Z')[:12]}"


def told_here(expressions: Document, frames: list[Document]) -> Document:
    """What was asked for, with what it is: it is shown first, though the frames were copied before it."""
    if not any(value["kind"] == "ref" for value in expressions.values()):
        return expressions
    values = (value for frame in frames for value in (frame["locals"] or {}).values())
    described = {number: each for value in values for number, each in objects(value)}
    return {
        text: described.get(value["ref"], value) if value["kind"] == "ref" else value
        for text, value in expressions.items()
    }


def _shown(frames: list[Document], *, innermost_is_own: bool) -> set[int]:
    """Indexes of the frames to show: the service's own, and the innermost where it is asked for or nothing is own."""
    own = {index for index, frame in enumerate(frames) if frame["origin"] == "service"}
    return own | ({0} if frames and (innermost_is_own or not own) else set())
