"""The text of `probes`: each probe once, its processes under it, and why it has not fired."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from pyrometer.client.quantities import brief
from pyrometer.client.render.processes import duration
from pyrometer.client.render.terminal import Style, columns, cut, escape

Document = dict[str, Any]
_HEADER = ["PID", "STATE", "REACHED", "FALSE", "HITS", "ERRORS", "COST"]
_RIGHT = frozenset({0, 2, 3, 4, 5, 6})
_INDENT = "  "


def lines(probes: list[Document], style: Style, width: int, now: datetime | None = None) -> Iterator[str]:
    """All probes, by their ids; `now` is for tests."""
    ordered = sorted(probes, key=lambda probe: (probe["probe_id"], probe["pid"]))
    for index, (_, group) in enumerate(groupby(ordered, key=lambda probe: probe["probe_id"])):
        if index:
            yield ""
        yield from _probe(list(group), style, width, now or datetime.now(UTC))


def _probe(group: list[Document], style: Style, width: int, now: datetime) -> Iterator[str]:
    first = group[0]
    condition = f" if {escape(first['condition'])}" if first["condition"] else ""
    yield f"{style.paint(escape(first['probe_id']), 'bold')}  {escape(first['where'])}{condition}"
    facts = [f"armed by {escape(first['by'])}" if first["by"] else ""]
    if first["expires"]:
        left = (datetime.fromisoformat(first["expires"]) - now).total_seconds()
        facts.append(f"ends in {duration(max(0.0, left))}")
    yield style.paint(f"{_INDENT}{', '.join(filter(None, facts))}", "dim")
    header, *rows = columns([_HEADER, *map(_row, group)], right=_RIGHT)
    yield style.paint(cut(f"{_INDENT}{header}", width), "bold")
    yield from (cut(f"{_INDENT}{row}", width) for row in rows)
    for note, pids in _notes(group).items():
        whom = "" if len(pids) == len(group) else f"{', '.join(map(str, pids))}: "
        yield style.paint(f"{_INDENT}{whom}{escape(note)}", "dim")


def _row(probe: Document) -> list[str]:
    counts = (f"{probe[name]:,}" for name in ("reached", "condition_false", "matched", "errors"))
    return [str(probe["pid"]), probe["state"], *counts, f"{100 * probe['cpu_share']:.2f} %"]


def _notes(group: list[Document]) -> dict[str, list[int]]:
    """What there is to say of them, each with the processes that it is true of."""
    notes: dict[str, list[int]] = {}
    for probe in group:
        for note in filter(None, [probe["reason"], _open_calls(probe), why_silent(probe)]):
            notes.setdefault(note, []).append(probe["pid"])
    return notes


def _open_calls(probe: Document) -> str:
    """What a watch knows of calls that have not ended."""
    if not probe["open_calls"]:
        return ""
    return f"open calls: {probe['open_calls']:,}, the first for {brief(probe['oldest_open_call_seconds'] or 0.0)}"


def why_silent(probe: Document) -> str:
    """Why a probe has not fired in a process; empty where it has, or where its reason says so."""
    if probe["matched"] or probe["state"] not in ("ARMED", "PAUSED"):
        return ""
    if probe["errors"]:
        return f"the condition could not be evaluated: {probe['last_error'] or 'no reason given'}"
    if not probe["reached"]:
        return "" if probe["open_calls"] else "not reached so far"
    share = probe["sampled_share"]
    seen = "" if share >= 1 else f", of the {100 * share:.0f} % that the governor let be looked at"
    return f"the condition was never true so far{seen}"
