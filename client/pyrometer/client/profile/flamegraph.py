"""A profile as one page: a flame graph that needs no network, no server and no WebGL.

The page is made of the files in `page/`, with the profile in it as data.

Stacks travel as a tree in preorder, with the samples beside it:

    depths, calls        of each node: its depth, and the index of its function; node 0 is the root
    nodes, values, counts, sampleThreads   of each sample: the node it ends at, its value, how often it was seen, the
                         index of its thread

so a hundred thousand stacks are a few megabytes, and the page adds them up in one pass. What the page does not show
(how often each was seen, the notes) stands there for whoever reads the profile out of it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from typing import Any

from pyrometer.client import pages
from pyrometer.client.profile import difference, table
from pyrometer.client.profile.assembly import Assembly, clean
from pyrometer.client.profile.comparison import Comparison
from pyrometer.client.profile.model import Frames, NotAProfile, Profile
from pyrometer.client.profile.paths import Origin

_SCRIPTS = ("calls.js", "drawing.js", "telling.js", "difference.js", "reader.js")
_ORIGINS = {origin: index for index, origin in enumerate(Origin)}
_LINE = re.compile(r":(\d{1,18})$")
_MAX_COMMAND = 80
_MUCH = 0.2

Fact = tuple[str, str, bool]
"""A name, a value, and whether it is worth a warning."""


def render(profile: Profile) -> str:
    """Make the page, whole: it refers to nothing outside itself."""
    return _page(f"{_service(profile)}: flame graph", _data(profile))


def render_difference(comparison: Comparison) -> str:
    """Make the page of two profiles: one graph of both, coloured by what grew and what shrank."""
    both, sides = comparison.together, (comparison.before, comparison.after)
    kinds = dict.fromkeys(table.time_name(side.kind) for side in sides)
    data = {
        **_data(both),
        "service": " → ".join(dict.fromkeys(_service(side) for side in sides)),
        "functions": _functions(both, [comparison.where(index) for index in range(len(both.functions))]),
        "sides": [0] * len(comparison.before.processes) + [1] * len(comparison.after.processes),
        "headline": difference.headline(comparison),
        "subtitle": f"difference of two flame graphs of {' and '.join(kinds)}",
        "facts": [*_difference_facts(comparison)],
    }
    return _page(f"{_service(both)}: difference", data)


def _page(title: str, data: dict[str, Any]) -> str:
    return pages.build(
        _part("page.html"),
        title=title,
        style=_part("style.css"),
        script="\n".join(_part(name) for name in _SCRIPTS),
        data=data,
    )


def _part(name: str) -> str:
    return pages.part(__package__, name, "page")


def _data(profile: Profile) -> dict[str, Any]:
    return {
        "service": _service(profile),
        "subtitle": f"flame graph of {table.time_name(profile.kind)}",
        "facts": list(facts(profile)),
        "kind": profile.kind,
        "unit": profile.unit,
        "began": profile.began,
        "seconds": profile.seconds,
        "notes": dict(profile.notes),
        "functions": _functions(profile, [profile.where(index) for index in range(len(profile.functions))]),
        "processes": [[process.pid, process.command[:_MAX_COMMAND]] for process in profile.processes],
        "threads": [
            [thread.process, _thread_name(thread.name, thread.thread_id), thread.thread_id]
            for thread in profile.threads
        ],
        **_stacks(profile),
    }


def _service(profile: Profile) -> str:
    return profile.service or "profile"


def _functions(profile: Profile, places: Sequence[str]) -> list[list[str | int]]:
    return [
        [function.name, where, function.file, _ORIGINS[function.origin]]
        for function, where in zip(profile.functions, places, strict=True)
    ]


def _thread_name(name: str, thread_id: int) -> str:
    return name or (f"thread {thread_id}" if thread_id else "thread")


def _stacks(profile: Profile) -> dict[str, list[int]]:
    """All stacks as a tree in preorder: sorted, each shares with the one before it what the two begin with."""
    depths, calls = [0], [0]
    nodes: list[int] = []
    values: list[int] = []
    counts: list[int] = []
    threads: list[int] = []
    path, last = [0], tuple[int, ...]()  # the nodes from the root to the last stack's end; its functions
    stacks = [(tuple([function for function, _ in reversed(each.frames)]), each) for each in profile.samples]
    for stack, sample in sorted(stacks, key=lambda pair: (pair[0], pair[1].thread)):
        common = _common(last, stack)
        del path[common + 1 :]
        for depth, function in enumerate(stack[common:], common + 1):
            path.append(len(depths))
            depths.append(depth)
            calls.append(function)
        last = stack
        if nodes and nodes[-1] == path[-1] and threads[-1] == sample.thread:
            values[-1] += sample.value
            counts[-1] += sample.count
        else:
            nodes.append(path[-1])
            values.append(sample.value)
            counts.append(sample.count)
            threads.append(sample.thread)
    return {
        "depths": depths,
        "calls": calls,
        "nodes": nodes,
        "values": values,
        "counts": counts,
        "sampleThreads": threads,
    }


def _common(one: tuple[int, ...], other: tuple[int, ...]) -> int:
    """How many functions two stacks begin with alike."""
    for at, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return at
    return min(len(one), len(other))


def read(page: bytes) -> Profile:
    """Read the profile out of a page of ours.

    Raises:
        ValueError, LookupError, TypeError: there is none in it, or it is broken.
    """
    data, made = pages.data_of(page.decode("utf-8"), "data"), Assembly()
    if "sides" in data:
        raise NotAProfile("this is the page of a difference: the two profiles that it is of are the files to give")
    functions = [_read_function(made, number, *each) for number, each in enumerate(data["functions"])]
    processes = [made.process(int(pid), "", command) for pid, command in data["processes"]]
    threads = [
        made.thread(processes[process], name if name != _thread_name("", number) else "", int(number))
        for process, name, number in data["threads"]
    ]
    stacks = list(_read_stacks(data["depths"], data["calls"], functions))
    ends = zip(data["nodes"], data["sampleThreads"], data["values"], data["counts"], strict=True)
    for node, thread, value, count in ends:
        made.add(stacks[node], threads[thread], int(value), int(count))
    notes = {clean(name): clean(text) for name, text in data["notes"].items()}
    return made.profile(
        kind=clean(data["kind"]),
        unit=clean(data["unit"]),
        began=float(data["began"]),
        seconds=float(data["seconds"]),
        notes=notes,
    )


def _read_function(made: Assembly, number: int, name: str, where: str, file: str, origin: int) -> tuple[int, int]:
    """A function, and the line where it was seen most."""
    line = _LINE.search(where)
    return made.function(name, file, apart=number, origin=list(Origin)[origin]), int(line[1]) if line else 0


def _read_stacks(depths: list[int], calls: list[int], functions: list[tuple[int, int]]) -> Iterator[Frames]:
    """The stack of each node, innermost first."""
    path: list[tuple[int, int]] = []
    for depth, call in zip(depths, calls, strict=True):
        if depth:
            path[depth - 1 :] = [functions[call]]
        yield tuple(reversed(path))


def facts(profile: Profile) -> Iterator[Fact]:
    """What the page says of the recording, in its first lines; what the profile does not say is left out."""
    rate, missed, cost = map(profile.figure, ("rate", "missed", "own_cpu_seconds"))
    if profile.began:
        yield "When", time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(profile.began)), False
    if profile.seconds:
        yield "Length", f"{profile.seconds:.1f} s", False
    if "source" in profile.notes:
        yield "Read by", table.reader_name(profile.notes["source"]), False
    if rate is not None:
        yield _rate(rate, profile.figure("rate_asked") or 0)
    if profile.count:
        yield "Samples", f"{profile.count:,}", False
    if missed is not None:
        share = missed / max(1, missed + profile.count)
        yield "Missed", f"{missed:,.0f} ({table.percent(share).strip()})" if missed else "none", share > _MUCH
    if cost is not None and profile.seconds:
        yield "Own cost", f"{100 * cost / profile.seconds:.0f} % of a core", False


def _difference_facts(comparison: Comparison) -> Iterator[Fact]:
    """What the page of a difference says in its first lines."""
    yield "Before", difference.described(comparison.before), False
    yield "After", difference.described(comparison.after), False
    if pace := difference.pace(comparison):
        name, _, text = pace.partition(": ")
        yield name, text, False
    for caution in difference.cautions(comparison):
        yield "Beware", caution, True


def _rate(reached: float, asked: float) -> Fact:
    """The rate, and the one that was asked for where it was not reached."""
    less = reached < (1 - _MUCH) * asked
    return "Rate", f"{reached:.0f} Hz of {asked:.0f}" if less else f"{reached:.0f} Hz", less
