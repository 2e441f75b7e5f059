"""What the agent costs a service that nobody looks at, beside a gRPC server in the same place."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks import processes
from benchmarks.model import Beside, Figure, Row, Setting
from benchmarks.rounds import median, quartiles

_MB = 1024.0
"""Kilobytes."""
_WATCHED = 10.0
"""Seconds for which wake-ups are counted."""
_SETTLING = 2.0
_PLACES = {"bare": "in a bare interpreter", "usual": "in a web service"}


@dataclass(frozen=True)
class _Cost:
    """What one start cost one process."""

    milliseconds: float
    resident: float
    """MB; the pages of files that others share are in it."""
    own: float
    """MB that are this process's alone."""
    threads: int
    descriptors: int
    children: int


def measure(setting: Setting) -> Sequence[Figure]:
    """Start it in fresh processes, in turn with a peer and with nothing."""
    kinds = [(loaded, what) for loaded in _PLACES for what in ("nothing", "agent", "grpc")]
    costs: dict[tuple[str, str], list[_Cost]] = {kind: [] for kind in kinds}
    for turn in range(setting.rounds(9) + 1):
        for kind in kinds:
            cost = _start(*kind)
            if turn:  # the first time compiles
                costs[kind].append(cost)
    figures = [figure for loaded in _PLACES for figure in _figures(loaded, costs)]
    return [*figures, *_presence(costs), _wakeups()]


def _start(loaded: str, what: str) -> _Cost:
    with processes.program("idle", loaded, what) as target:
        milliseconds, resident, own = _said(target)
        return _Cost(
            milliseconds,
            resident / _MB,
            own / _MB,
            processes.threads(target.pid),
            len(os.listdir(f"/proc/{target.pid}/fd")),  # noqa: PTH208 - /proc, name by name
            len(processes.children(target.pid)),
        )


def _said(target: processes.Program) -> Any:
    return json.loads(target.read_line())


def _figures(loaded: str, costs: dict[tuple[str, str], list[_Cost]]) -> list[Figure]:
    where = _PLACES[loaded]
    return [
        _figure(f"idle: import and start, {where}", "ms", 30, "milliseconds", loaded, costs),
        _figure(f"idle: memory added, {where}", "MB", 4, "resident", loaded, costs),
        _figure(f"idle: of that not shared, {where}", "MB", None, "own", loaded, costs),
    ]


def _figure(
    what: str, unit: str, bar: float | None, field: str, loaded: str, costs: dict[tuple[str, str], list[_Cost]]
) -> Figure:
    ours, theirs, none = (
        [getattr(cost, field) for cost in costs[loaded, kind]] for kind in ("agent", "grpc", "nothing")
    )
    return Figure(
        what,
        median(ours),
        unit,
        bar,
        quartiles=quartiles(ours),
        beside=[Beside("grpc in the process", median(theirs)), Beside("nothing", median(none))],
    )


def _presence(costs: dict[tuple[str, str], list[_Cost]]) -> list[Figure]:
    """Threads, descriptors and processes, each the most that was seen, less what the process has by itself."""
    nothing, agent, grpc = (costs["bare", kind] for kind in ("nothing", "agent", "grpc"))
    bars = {"threads": 1, "descriptors": 1, "children": 0}
    return [
        Figure(
            f"idle: {name} added",
            max(getattr(cost, name) for cost in agent) - getattr(nothing[0], name),
            "",
            bar,
            beside=[Beside("grpc in the process", max(getattr(c, name) for c in grpc) - getattr(nothing[0], name))],
        )
        for name, bar in bars.items()
    ]


def _wakeups() -> Figure:
    """How often the threads of a process are put on a processor while nobody looks, itself waiting on its stdin."""
    with (
        processes.program("idle", "bare", "agent") as ours,
        processes.program("idle", "bare", "grpc") as theirs,
    ):
        time.sleep(_SETTLING)
        before = [processes.wakeups(target.pid) for target in (ours, theirs)]
        time.sleep(_WATCHED)
        after = [processes.wakeups(target.pid) for target in (ours, theirs)]
    mine, peers = (later - earlier for earlier, later in zip(before, after, strict=True))
    return Figure("idle: wake-ups in 10 s", mine, "", 0, beside=[Beside("grpc in the process", peers)])


ROWS = [Row("idle", measure)]
