"""Objects that several places refer to: which of them are told once, below, and what stands in their places."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pyrometer.client.render.values import line_of, objects, with_parts

Document = dict[str, Any]


class Shared:
    """Objects that more than one place refers to, and that are too large to be told in passing."""

    def __init__(self, values: Iterable[Document], wanted: set[int], room: int) -> None:
        """Find them. `wanted`: numbers that something refers to; `room`: characters that are not too large."""
        self._told: dict[int, Document] = {}
        self._mentioned: set[int] = set()
        for value in values:
            for number, described in objects(value):
                if number in wanted and len(line_of(described, 10 * room)) > room:
                    self._told.setdefault(number, described)

    def referred(self, value: Document) -> Document:
        """The value, with references to what is told below; the first one to each says a little of it."""
        if value.get("ref") not in self._told:
            return with_parts(value, self._plain)
        number, described = value["ref"], self._told[value["ref"]]
        reference = self._plain(value)
        if number not in self._mentioned and value["kind"] != "ref":
            self._mentioned.add(number)
            reference["described"] = self._inside(described)
        return reference

    def below(self) -> list[tuple[int, Document]]:
        """Those objects, in the order in which they were met, with references in them to the others."""
        return [(number, self._inside(described)) for number, described in self._told.items()]

    def _inside(self, described: Document) -> Document:
        return with_parts(described, self._plain)

    def _plain(self, value: Document) -> Document:
        if value.get("ref") in self._told:
            return {"type": value["type"], "kind": "ref", "ref": value["ref"], "below": True}
        return with_parts(value, self._plain)
