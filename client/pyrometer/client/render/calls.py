"""The text of watched calls: a line each, aligned, then callers and values if asked for; in the end, figures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pyrometer.client.quantities import brief
from pyrometer.client.render.places import place
from pyrometer.client.render.terminal import Style, cut, escape
from pyrometer.client.render.values import completed, line_of, numbered, objects
from pyrometer.client.render.variables import VariableText, referred_to

Document = dict[str, Any]
_INDENT = "      "
_LEAST_ROOM = 30
"""Columns that a call has at least, however narrow the terminal."""
_LEAST_ARGUMENTS, _LEAST_VALUE, _WIDEST_VALUE = 8, 4, 60
"""Columns of all arguments, and of the value of one. What is cut is a value, so that its brackets are closed."""
_MANY = 20
"""Calls from which on a 99th percentile means something."""


class CallText:
    """Renders calls. `width` columns are filled at most, in a terminal that is not very narrow."""

    spaced = False
    """Whether an empty line stands between two hits."""

    def __init__(self, style: Style, width: int) -> None:
        self._style = style
        self._width = width
        self._variables = VariableText(style, width)
        self._pid = 0
        self._elapsed: list[float] = []

    def lines(self, hit: Document) -> Iterator[str]:
        """One call; nothing of a hit that is none, which only an agent sends that does not know of calls."""
        if "elapsed_seconds" not in hit:
            return
        self._elapsed.append(hit["elapsed_seconds"])
        frames = hit["frames"]
        hit = {**hit, "arguments": _described(hit["arguments"], frames)}
        visible = [*hit["arguments"].values(), *hit["expressions"].values()]
        visible += [hit["returned"]] if hit["returned"] else []
        visible += [value for frame in frames for value in (frame["locals"] or {}).values()]
        wanted = referred_to(visible)
        yield self._call(hit, wanted)
        for text, value in hit["expressions"].items():
            room = max(20, self._width - len(_INDENT) - len(escape(text)) - 3)
            line = self._variables.text(line_of(numbered(value, wanted), room), withheld=_is_withheld(value))
            yield f"{_INDENT}{self._style.paint(escape(text), 'cyan')} = {line}"
        for index, frame in enumerate(frames):
            yield from self._frame(frame, index, wanted)
        if hit["frames_left_out"] and len(frames) > 1:
            yield self._style.paint(f"{_INDENT}… {hit['frames_left_out']} more frames", "dim")

    def closing(self) -> list[str]:
        """The figures of all calls that were shown; nothing where that is one, or none."""
        ordered = sorted(self._elapsed)
        if len(ordered) < 2:
            return []
        facts = [f"median {brief(_share(ordered, 0.5))}"]
        if len(ordered) >= _MANY:
            facts.append(f"99 % within {brief(_share(ordered, 0.99))}")
        return [f"{len(ordered)} calls shown: {', '.join([*facts, f'slowest {brief(ordered[-1])}'])}"]

    def _call(self, hit: Document, wanted: set[int]) -> str:
        """When, in which process, how long, what: arguments and what came of it share the room that is left."""
        second, _, fraction = hit["time"].partition("T")[2].rstrip("Z").partition(".")
        self._pid = max(self._pid, len(str(hit["pid"])))
        time = f"{second}.{fraction:0<3.3}  {hit['pid']:>{self._pid}}"
        elapsed = f"{brief(hit['elapsed_seconds']):>8}"
        suspended = hit["suspended_seconds"]
        tail = f"  suspended {brief(suspended)}" if suspended is not None else ""
        room = max(_LEAST_ROOM, self._width - len(time) - len(elapsed) - len(tail) - 4)
        function = escape(hit["frames"][0]["function"]) if hit["frames"] else "?"
        end = self._end(hit, wanted, max(_LEAST_ROOM // 2, room // 2))
        arguments = self._arguments(hit["arguments"], wanted, room - len(function) - 2 - len(end))
        painted = self._style.paint(end, *(["red"] if hit["exception"] else []))
        call = f"{self._style.paint(function, 'bold')}({arguments}){painted}"
        return f"{self._style.paint(time, 'dim')}  {elapsed}  {call}{self._style.paint(tail, 'dim')}"

    def _end(self, hit: Document, wanted: set[int], room: int) -> str:
        raised = hit["exception"]
        if raised:
            message = f": {escape(raised['message'])}" if raised["message"] else ""
            return cut(f" ! {escape(raised['type'].rpartition('.')[2])}{message}", room)
        returned = hit["returned"]
        return f" → {line_of(numbered(returned, wanted), room - 3)}" if returned else ""

    def _arguments(self, arguments: Document, wanted: set[int], room: int) -> str:
        """As `name=value`, but for the object that a method is of; `?` is one whose name was assigned anew."""
        parts: list[str] = []
        left = max(_LEAST_ARGUMENTS, room)
        shown = {name: value for name, value in arguments.items() if name not in ("self", "cls")}
        for index, (name, value) in enumerate(shown.items(), 1):
            head = f"{escape(name)}="
            kept = len(", …") if index < len(shown) else 0
            if left - kept < len(head) + _LEAST_VALUE:
                parts.append("…")
                break
            space = min(_WIDEST_VALUE, left - kept - len(head))
            parts.append(head + ("?" if value["kind"] == "unreadable" else line_of(numbered(value, wanted), space)))
            left -= len(parts[-1]) + len(", ")
        return ", ".join(parts)

    def _frame(self, frame: Document, index: int, wanted: set[int]) -> Iterator[str]:
        """A caller, and values, if there are any: of the call itself its line said the rest."""
        if index:
            yield f"{_INDENT}called by {escape(frame['function'])}   {escape(place(frame))}"
        indent = f"{_INDENT}  " if index else _INDENT
        yield from self._variables.lines(frame, wanted, indent)


def _described(arguments: Document, frames: list[Document]) -> Document:
    """The arguments, with objects that only the variables below describe: the line of the call comes first."""
    held = [value for frame in frames for value in (frame["locals"] or {}).values()]
    below = {number: described for value in held for number, described in objects(value)}
    return {name: completed(value, dict(below)) for name, value in arguments.items()}


def _share(ordered: list[float], share: float) -> float:
    """The least of the values that so large a share of all of them does not exceed."""
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)]


def _is_withheld(value: Document) -> bool:
    return value["kind"] in ("redacted", "unreadable")
