"""A comparison of two profiles in words and as text: what changed most, what grew, what shrank."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pyrometer.client.profile import table
from pyrometer.client.profile.comparison import Change, Comparison
from pyrometer.client.profile.model import Profile
from pyrometer.client.profile.paths import Origin
from pyrometer.client.render.terminal import Style, cut

MOST = 8
"""Functions of each list."""
_MIN_FUNCTION = 14
_FIGURES = " +00.0   000 % → 000 %   000 % → 000 %   "


def headline(comparison: Comparison) -> str:
    """What changed most, in a sentence."""
    certain = comparison.certain
    if not certain:
        return _nothing(comparison)
    change, time = certain[0], table.time_name(comparison.after.kind)
    who = f"{change.function} ({change.where})" if change.where else change.function
    before, after = (table.percent(share).strip() for share in change.own)
    if not change.total[1]:
        return f"{who} is gone: it had {before} of the {time} itself"
    if not change.total[0]:
        return f"{who} is new: it has {after} of the {time} itself"
    verb = "grew" if change.grown > 0 else "shrank"
    return f"{who} {verb} from {before} to {after} of the {time} itself"


def pace(comparison: Comparison) -> str:
    """How much processor time is used a second, before and after; "" where that is not known."""
    sides = comparison.before, comparison.after
    if any(side.kind != "cpu" or side.unit != "nanoseconds" or not side.seconds for side in sides):
        return ""
    before, after = (side.total / 1e9 / side.seconds for side in sides)
    return f"CPU time a second: {before:.2f} s before, {after:.2f} s after"


def lists(comparison: Comparison) -> list[tuple[str, list[Change]]]:
    """What shrank and what grew, each by how much; first the list that has what changed most."""
    certain = comparison.certain
    grew, shrank = [each for each in certain if each.grown > 0], [each for each in certain if each.grown < 0]
    both = [("GREW", grew), ("SHRANK", shrank)]
    return [pair for pair in (both if certain and certain[0].grown > 0 else both[::-1]) if pair[1]]


def lines(comparison: Comparison, style: Style, width: int) -> Iterator[str]:
    """The lists as text."""
    for name, changes in lists(comparison):
        yield ""
        yield from _list(name, changes[:MOST], style, width)
        if len(changes) > MOST:
            yield style.paint(f"        … {len(changes) - MOST} more", "dim")


def cautions(comparison: Comparison) -> Iterator[str]:
    """What to know before one believes it."""
    before, after = comparison.before, comparison.after
    if before.kind != after.kind:
        kinds = f"one side is {table.time_name(before.kind)}, the other {table.time_name(after.kind)}"
        yield f"{kinds}: they differ for that alone"
    small = [change for change in comparison.changes if not change.is_certain and change.grown]
    noise = max((change.noise or 0.0 for change in small), default=0.0)
    if small and noise and comparison.certain:
        others = f"{len(small)} other functions" if len(small) > 1 else "one other function"
        yield f"{others} changed by no more than chance does at {before.count:,} and {after.count:,} samples"


def described(profile: Profile) -> str:
    """One of the two, in a line."""
    return table.summary(profile)


def _nothing(comparison: Comparison) -> str:
    noise = max((change.noise or 0.0 for change in comparison.changes), default=0.0)
    if not noise:
        return "nothing changed: no function's share by half a point"
    return f"nothing changed beyond what chance does: up to {100 * noise:.0f} points at so few samples"


def _list(name: str, changes: Sequence[Change], style: Style, width: int) -> Iterator[str]:
    function = max(len("FUNCTION"), *(len(each.function) for each in changes))
    where = max(len(each.where) for each in changes)
    room = max(_MIN_FUNCTION, width - len(_FIGURES) - 3 - min(where, 2 * _MIN_FUNCTION))
    function = min(function, room)
    yield style.paint(f"{name:<6}   SELF            TOTAL           {'FUNCTION'.ljust(function)}   WHERE", "dim")
    for change in changes:
        points = style.paint(f"{100 * change.grown:+6.1f}".replace("-", "−"), "red" if change.grown > 0 else "blue")
        weight = ["bold"] if change.origin is Origin.SERVICE else []
        called = style.paint(cut(change.function, function).ljust(function), *weight)
        place = _cut_left(change.where, width - len(_FIGURES) - function - 3)
        yield f"{points}   {_from_to(change.own)}   {_from_to(change.total)}   {called}   {place}".rstrip()


def _from_to(shares: tuple[float, float]) -> str:
    before, after = (table.percent(share).strip() for share in shares)
    return f"{before:>5} → {after:>5}"


def _cut_left(text: str, width: int) -> str:
    return text if len(text) <= width else f"…{text[len(text) - max(1, width - 1) :]}"
