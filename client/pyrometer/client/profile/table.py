"""The hottest functions as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from pyrometer.client.profile import hottest
from pyrometer.client.profile.hottest import Row
from pyrometer.client.profile.model import Profile
from pyrometer.client.profile.paths import Origin
from pyrometer.client.render.terminal import Style

_GAP = 3
_MIN_FUNCTION = 12
_MIN_WHERE = 16
_REACHED = 0.9
"""Part of the rate asked for from which on it counts as reached."""
_MANY = 400
"""Samples from which on a share is known to some per cent points."""


def lines(profile: Profile, rows: list[Row], style: Style, width: int, *, remarks: bool = True) -> Iterator[str]:
    """The table, a heading first; it keeps to the width by cutting names, never figures.

    `remarks`: whether it says in words which process has all of a function.
    """
    bars = [_bars(profile, row) if remarks else hottest.sparkline(row.spread) for row in rows]
    function, where = _widths(rows, bars, width)
    head = f" SELF   TOTAL   {'FUNCTION'.ljust(function)}   {'WHERE'.ljust(where)}"
    yield style.paint((f"{head}   WORKERS" if any(bars) else head).rstrip(), "dim")
    for row, bar in zip(rows, bars, strict=True):
        name = style.paint(
            _cut(row.function, function).ljust(function), *(["bold"] if row.origin is Origin.SERVICE else [])
        )
        place = _cut_left(row.where, where).ljust(where)
        line = f"{percent(row.self_share)}  {percent(row.total_share)}   {name}   {place}   {bar}"
        yield line.rstrip()


def percent(share: float) -> str:
    """A share in six columns: whole per cents, and tenths where that is more than nothing."""
    number = 100 * share
    return (f"{number:.0f} %" if number >= 9.95 or number == 0 else f"{number:.1f} %").rjust(6)


def summary(profile: Profile) -> str:
    """What the profile is, in one line."""
    rate, asked, missed, cost = map(profile.figure, ("rate", "rate_asked", "missed", "own_cpu_seconds"))
    parts = [profile.service or "profile", _measured(profile)]
    if profile.count and profile.kind != "samples":
        parts.append(f"{profile.count:,} samples{_missed(missed or 0, profile.count)}")
    if rate is not None:
        of = f" of {asked:.0f}" if asked and rate < _REACHED * asked else ""
        stopping = ", the process stopped at each look" if "paused" in profile.notes else ""
        parts.append(f"{reader_name(profile.notes.get('source', ''))} at {rate:.0f} Hz{of}{stopping}")
    if cost is not None and profile.seconds:
        parts.append(f"own cost {100 * cost / profile.seconds:.0f} % of a core")
    return ", ".join(parts)


def _measured(profile: Profile) -> str:
    """How much there is of what was measured."""
    if profile.seconds:
        return f"{profile.seconds:.1f} s of {time_name(profile.kind)}"
    if profile.unit == "nanoseconds":
        return f"{profile.total / 1e9:.1f} s of {time_name(profile.kind)}"
    return f"{profile.total:,} {profile.kind}{'' if profile.unit in ('count', profile.kind) else f' ({profile.unit})'}"


def cautions(profile: Profile) -> Iterator[str]:
    """What to know before one believes the figures: few samples, a rate that was lowered; and what helps."""
    rate, asked = profile.figure("rate"), profile.figure("rate_asked")
    if 0 < profile.count < _MANY:
        yield f"{profile.count:,} samples: a share may be off by {98 / profile.count**0.5:.0f} per cent points"
    if rate is not None and asked and rate < _REACHED * asked:
        reader = "reading from outside may use 4 %" if profile.notes.get("source") != "agent" else "it may use 1 %"
        yield f"{rate:.0f} looks a second instead of {asked:.0f}: {reader} of the processors, no more"


def time_name(kind: str) -> str:
    """What is measured, for people."""
    return {"cpu": "CPU time", "wall": "wall time", "gil": "time with the GIL"}.get(kind, kind)


def reader_name(source: str) -> str:
    """Who looked, for people."""
    return {"outside": "py-spy", "agent": "the agent", "both": "py-spy and the agents"}.get(
        source, source or "somebody"
    )


def _missed(missed: float, count: int) -> str:
    return f" ({100 * missed / (count + missed):.1f} % missed)" if missed else ""


def _bars(profile: Profile, row: Row) -> str:
    bar = hottest.sparkline(row.spread)
    pid = hottest.concentrated(profile, row.spread)
    return f"{bar}   (all of it in {pid})" if bar and pid is not None else bar


def _widths(rows: list[Row], bars: list[str], width: int) -> tuple[int, int]:
    """Columns for names and places."""
    function = max([len(row.function) for row in rows] + [len("FUNCTION")])
    where = max([len(row.where) for row in rows] + [len("WHERE")])
    room = width - len(" SELF   TOTAL   ") - _GAP - (max(map(len, bars)) + _GAP if any(bars) else 0)
    over = function + where - room
    if over > 0:
        function -= min(max(0, function - max(_MIN_FUNCTION, room // 2)), over)
        where = max(_MIN_WHERE, min(where, room - function))
    return function, where


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def _cut_left(text: str, width: int) -> str:
    return text if len(text) <= width else "…" + text[len(text) - width + 1 :]
