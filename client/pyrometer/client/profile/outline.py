"""A profile as text for a terminal without a browser: who has the time, and the heaviest ways through the code."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pyrometer.client.profile import table
from pyrometer.client.profile.model import Profile, Sample
from pyrometer.client.profile.paths import Origin
from pyrometer.client.render.terminal import Style, columns, cut

_MOST_THREADS = 10
_MOST_LINES = 60
_NOTABLE = 0.02
"""Share of the whole from which on a call is shown."""
_NEARLY_ALL = 0.98
"""Share of its caller's from which on a call is all that its caller does."""
_MOST_INDENTED = 24
_DEEPEST = 300
"""Frames from the outermost one to which the ways are followed: a file may hold a recursion without end."""


class Call(NamedTuple):
    """A function on the way from the outermost one, with all that it takes there."""

    function: int
    depth: int
    """How many calls that are shown lead to it."""
    folded: int
    """How many calls before it did nothing else, and are left out."""
    share: float
    own: float


def threads(profile: Profile) -> Iterator[str]:
    """The busiest threads and what each has; nothing where there is but one."""
    if len(profile.threads) < 2:
        return
    values: defaultdict[int, int] = defaultdict(int)
    for sample in profile.samples:
        values[sample.thread] += sample.value
    ranked = sorted(values, key=lambda index: -values[index])
    rows = [["TOTAL", "PID", "THREAD"]]
    for index in ranked[:_MOST_THREADS]:
        thread = profile.threads[index]
        pid, name = profile.processes[thread.process].pid, thread.name or f"thread {thread.thread_id}"
        rows.append([table.percent(values[index] / profile.total), str(pid or "–"), name])
    yield from columns(rows, right=frozenset({0, 1}), gap=3)
    if len(ranked) > _MOST_THREADS:
        yield f"        … {len(ranked) - _MOST_THREADS:,} more"


def ways(profile: Profile, style: Style, width: int) -> Iterator[str]:
    """The heaviest ways as a tree, outermost function first, what leads to one alone left out."""
    yield style.paint(" TOTAL    SELF   CALLED", "dim")
    for number, call in enumerate(_calls(profile, profile.samples, 0, 0)):
        if number == _MOST_LINES:
            yield "  … and more: open it in a browser"
            return
        yield _line(profile, call, style, width)


def _calls(profile: Profile, samples: Sequence[Sample], at: int, depth: int, folded: int = 0) -> Iterator[Call]:
    """The calls worth a line among stacks that are alike up to their outermost `at` frames, the heaviest first."""
    if at >= _DEEPEST:
        return
    whole = sum(sample.value for sample in samples)
    groups: defaultdict[int, list[Sample]] = defaultdict(list)
    for sample in samples:
        if len(sample.frames) > at:
            groups[sample.frames[-1 - at][0]].append(sample)
    sums = {function: sum(sample.value for sample in group) for function, group in groups.items()}
    for function in sorted(sums, key=lambda each: -sums[each]):
        if sums[function] < _NOTABLE * profile.total:
            return
        group = groups[function]
        if _is_passed(profile, function, group, at, sums[function]) and sums[function] >= _NEARLY_ALL * whole:
            yield from _calls(profile, group, at + 1, depth, folded + 1)
            continue
        own = sum(sample.value for sample in group if len(sample.frames) == at + 1)
        yield Call(function, depth, folded, sums[function] / profile.total, own / profile.total)
        yield from _calls(profile, group, at + 1, depth + 1)


def _is_passed(profile: Profile, function: int, group: Sequence[Sample], at: int, value: int) -> bool:
    """Whether a function is somebody else's and does hardly anything but call one other."""
    if profile.functions[function].origin is Origin.SERVICE:
        return False
    callees: defaultdict[int, int] = defaultdict(int)
    for sample in group:
        if len(sample.frames) > at + 1:
            callees[sample.frames[-2 - at][0]] += sample.value
    return max(callees.values(), default=0) >= _NEARLY_ALL * value


def _line(profile: Profile, call: Call, style: Style, width: int) -> str:
    function = profile.functions[call.function]
    figures = f"{table.percent(call.share)}  {table.percent(call.own) if call.own else '      '}   "
    before = f"{'  ' * min(call.depth, _MOST_INDENTED)}{f'… {call.folded} ▸ ' if call.folded else ''}"
    room = max(20, width - len(figures) - len(before))
    name, where = cut(function.name, room), profile.where(call.function)
    shown = style.paint(name, *(["bold"] if function.origin is Origin.SERVICE else []))
    place = f"   {where}" if where and len(name) + 3 + len(where) <= room else ""
    return f"{figures}{before}{shown}{style.paint(place, 'dim')}"
