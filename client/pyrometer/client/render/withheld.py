"""What a capture does not show, counted by why: redacted, cut, unreadable."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from pyrometer.client.render.terminal import escape
from pyrometer.client.render.values import is_withheld, parts_of

Document = dict[str, Any]
_CUT_BY = {
    "depth": "the depth of a value",
    "items": "the items of a container",
    "length": "the length of a text",
    "budget": "the time and size of one capture",
}
_MOST_REASONS = 4


def summary(values: Iterable[Document]) -> list[str]:
    """A sentence for each way of not being shown; nothing where all of it is."""
    found = Counter(reason for value in values for reason in _reasons(value))
    sentences = []
    for kind, lead in (("redacted", "withheld in the process: "), ("cut", "cut at a limit: "), ("unreadable", "")):
        whys = [(why, number) for (each, why), number in found.most_common() if each == kind]
        texts = [f"{number:,} {_because(kind, why)}" for why, number in whys[:_MOST_REASONS]]
        more = sum(number for _, number in whys[_MOST_REASONS:])
        if texts:
            sentences.append(lead + ", ".join([*texts, *([f"{more:,} for other reasons"] if more else [])]))
    return sentences


def _reasons(value: Document) -> Iterator[tuple[str, str]]:
    """(Way, why) of a value and of what is inside."""
    if is_withheld(value):
        yield value["kind"], value.get("why") or ""
    elif value.get("why"):
        yield "cut", value["why"]
    elif "size" in value and value["kind"] in ("str", "bytes"):
        yield "cut", "length"
    for part in parts_of(value):
        yield from _reasons(part)


def _because(kind: str, why: str) -> str:
    """A reason in words; what a newer agent says stays as it is."""
    if kind == "cut":
        return f"by {_CUT_BY.get(why, escape(why))}"
    if kind == "unreadable":
        return f"could not be read: {escape(why)}"
    if why == "name":
        return "by name"
    return f"as {escape(why.removeprefix('value: '))}" if why.startswith("value: ") else f"by {escape(why)}"
