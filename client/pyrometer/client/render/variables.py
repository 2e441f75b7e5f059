"""The variables of a frame as lines, below the line of the frame: values, what has none, what was left out."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from typing import Any

from pyrometer.client.render.terminal import Style, cut, escape
from pyrometer.client.render.values import block_of, completed, numbered, objects, references

Document = dict[str, Any]
_LONGEST_NAME = 24
_NOT_COPIED = "…"
"""Name of the entry that tells how many variables a frame has, where not all were copied."""
_LIMITS = {"budget": "a capture's time and size", "items": "a frame's variables"}
_DEFINITIONS = frozenset({"module", "function", "builtin_function_or_method", "type", "method"})
"""Types of what stands in a module because it was imported or defined there."""


def referred_to(values: Iterable[Document]) -> set[int]:
    """The numbers of objects that any of these refer to."""
    return {number for value in values for number in references(value)}


def complete(frames: list[Document], shown: Container[int]) -> list[Document]:
    """The frames, each object described where a shown one first refers to it, if only a hidden one describes it.

    `shown`: indexes of the frames whose variables are.
    """
    unseen = {
        number: described
        for index, frame in enumerate(frames)
        if index not in shown
        for value in (frame["locals"] or {}).values()
        for number, described in objects(value)
    }
    if not unseen:
        return frames
    return [
        {**frame, "locals": {name: completed(value, unseen) for name, value in frame["locals"].items()}}
        if index in shown and frame["locals"]
        else frame
        for index, frame in enumerate(frames)
    ]


class VariableText:
    """Renders variables. `width` columns are filled at most."""

    def __init__(self, style: Style, width: int) -> None:
        self._style = style
        self._width = width

    def lines(
        self, frame: Document, wanted: set[int], indent: str = "     ", *, containers: bool = False
    ) -> Iterator[str]:
        """Those of one frame; nothing where they were not read.

        `wanted`: numbers of objects that are referred to; `containers`: lists and dicts may take a line for each item.
        """
        values = dict(frame["locals"] or {})
        rest = values.pop(_NOT_COPIED, None)
        defined = _definitions(values) if frame["function"] == "<module>" else []
        shown = {escape(name): held for name, held in values.items() if name not in defined}
        yield from self.table(shown, wanted, indent, containers=containers)
        notes = [f"defined or imported: {', '.join(map(escape, defined))}"] if defined else []
        if rest:
            number = max(0, rest.get("size", 0) - len(values))
            notes.append(
                f"{number} more not copied, for the limit of {_LIMITS.get(rest.get('why', ''), 'one capture')}"
            )
        for note in notes:
            yield self._style.paint(cut(f"{indent}{note}", self._width), "dim")

    def table(self, values: Document, wanted: set[int], indent: str, *, containers: bool = False) -> Iterator[str]:
        """Values by escaped names: a line each, an object's fields below it; what has no value comes last, together."""
        unset = [name for name, value in values.items() if value["kind"] == "unset"]
        present = {name: numbered(value, wanted) for name, value in values.items() if value["kind"] != "unset"}
        longest = min(_LONGEST_NAME, max(map(len, present), default=0))
        for name, value in present.items():
            room = max(20, self._width - max(longest, len(name)) - len(indent) - 2)
            for line in block_of(value, room, containers=containers):
                label = f"{' ' * longest}    {self._style.paint(line.name, 'cyan')}"
                if not line.name:
                    label = self._style.paint(name.ljust(longest), "cyan")
                yield f"{indent}{label}  {self.text(line.text, withheld=line.withheld)}".rstrip()
        if unset:
            yield self._style.paint(cut(f"{indent}unset: {', '.join(unset)}", self._width), "dim")

    def text(self, text: str, *, withheld: bool) -> str:
        """A value's text, painted where there is a reason in its place."""
        return self._style.paint(text, "yellow") if withheld else text


def _definitions(values: Document) -> list[str]:
    """Names of what a module has defined or imported: nobody looks for a value there."""
    return [name for name, value in values.items() if value["kind"] == "other" and value["type"] in _DEFINITIONS]
