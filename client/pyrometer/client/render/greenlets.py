"""The text of a process's greenlets: those in the same place once, the one with most in it first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pyrometer.client.render.places import place
from pyrometer.client.render.terminal import Style, cut, escape
from pyrometer.client.render.variables import VariableText, referred_to

Document = dict[str, Any]
MAX_PLACES = 50
"""Places that are shown where not all frames are asked for."""
_SHOWN_NAMES = 3
_STATES = {"running": "running", "created": "not begun"}


class GreenletText:
    """Renders greenlets. `every_frame`: all frames of each place, and all places."""

    def __init__(self, style: Style, width: int, *, every_frame: bool) -> None:
        self._style = style
        self._width = width
        self._every_frame = every_frame
        self._variables = VariableText(style, width)

    def lines(self, process: Document) -> Iterator[str]:
        """All of one process; nothing where it has none."""
        if process.get("greenlets") is None and process.get("tasks") is not None:
            yield self._style.paint("  greenlets: not looked for, the search would hold up so large a process", "dim")
        greenlets: list[Document] = process.get("greenlets") or []
        left_out = process.get("greenlets_left_out") or 0
        if not greenlets:
            return
        count = len(greenlets) + left_out
        yield self._style.paint(f"  {count:,} {'greenlet' if count == 1 else 'greenlets'}", "bold")
        groups = _in_the_same_place(greenlets)
        shown = groups if self._every_frame else groups[:MAX_PLACES]
        for group in shown:
            yield from self._group(group)
        if len(groups) > len(shown):
            yield self._style.paint(f"    … {len(groups) - len(shown):,} more places: -o json has all", "dim")
        if left_out:
            yield self._style.paint(f"    … {left_out:,} more greenlets, counted only", "dim")

    def _group(self, group: list[Document]) -> Iterator[str]:
        first = group[0]
        state = f"   {_STATES[first['state']]}" if first["state"] in _STATES else ""
        name = cut(_names(group), max(20, self._width // 2))
        frames: list[Document] = first["frames"]
        own = next((frame for frame in frames if frame["origin"] == "service"), frames[0] if frames else None)
        wanted = referred_to(value for frame in frames for value in (frame["locals"] or {}).values())
        at = (
            f"   {escape(place(own))}   {escape(own['source'] or '')}".rstrip() if own and not self._every_frame else ""
        )
        room = self._width - len(name) - len(state) - 4
        yield f"    {self._style.paint(name, 'cyan')}{self._style.paint(state, 'yellow')}{cut(at, max(0, room))}"
        for frame in frames:
            if self._every_frame:
                text = f"      {escape(frame['function'])}   {escape(place(frame))}   {escape(frame['source'] or '')}"
                yield self._style.paint(cut(text.rstrip(), self._width), "dim")
            if self._every_frame or frame["origin"] == "service":
                yield from self._variables.lines(frame, wanted, " " * 10)


def _names(group: list[Document]) -> str:
    """Their names; one that they all have is said once, with their number."""
    names = [escape(name) for name in dict.fromkeys(each["name"] for each in group)]
    if len(names) == 1:
        return names[0] if len(group) == 1 else f"{len(group):,} × {names[0]}"
    more = len(group) - _SHOWN_NAMES
    return ", ".join(names[:_SHOWN_NAMES]) + (f" and {more:,} more" if more > 0 else "")


def _in_the_same_place(greenlets: list[Document]) -> list[list[Document]]:
    groups: dict[object, list[Document]] = {}
    for each in greenlets:
        frames = tuple((frame["function"], frame["file"], frame["line"]) for frame in each["frames"])
        groups.setdefault((each["state"], frames), []).append(each)
    return sorted(groups.values(), key=lambda group: -len(group))
