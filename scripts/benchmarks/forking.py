"""What a fork costs a service that somebody looks at, and how many children do not survive it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks import processes
from benchmarks.model import Beside, Figure, Row, Setting
from benchmarks.rounds import median, quartiles

_FORKS = 100
"""Forks in one go."""
_PEER_FORKS = 10
"""Of the peer: a child that hangs is waited for."""


@dataclass(frozen=True)
class _Forked:
    """What one go of forks came to."""

    microseconds: float
    """Of one fork, exit and wait."""
    lost: int


def measure(setting: Setting) -> Sequence[Figure]:
    """Fork in turn: nothing in the process; the agent alone, with a recording, with a probe; grpc with a stream."""
    rounds = setting.rounds(100)
    with contextlib.ExitStack() as stack:
        kinds = {
            "nothing": stack.enter_context(processes.program("forker", "nothing")),
            "agent": stack.enter_context(processes.program("forker", "agent")),
            "record": stack.enter_context(_looked_at(_RECORD)),
            "probe": stack.enter_context(_looked_at(_PROBE)),
            "grpc": stack.enter_context(_grpc()),
        }
        found: dict[str, list[_Forked]] = {kind: [] for kind in kinds}
        for turn in range(rounds + 1):
            for kind, target in kinds.items():
                forked = _Forked(*target.ask("fork", _PEER_FORKS if kind == "grpc" else _FORKS))
                if turn:
                    found[kind].append(forked)
    return [_added(found), *_lost(found)]


_RECORD = {"record": {"duration": "600s", "rate": 100, "mode": "PROFILE_MODE_WALL"}}
_PROBE = {"probe": {"exception": {"type": "ZeroDivisionError"}, "limits": {"ttl": "600s"}}}


def _added(found: dict[str, list[_Forked]]) -> Figure:
    """Milliseconds that a fork takes longer, each compared with that of its own round."""
    added = {
        kind: [(one.microseconds - base.microseconds) / 1000 for one, base in zip(each, found["nothing"], strict=True)]
        for kind, each in found.items()
    }
    base = median([each.microseconds for each in found["nothing"]]) / 1000
    return Figure(
        "fork, exit, wait: added, recording",
        median(added["record"]),
        "ms",
        0.25,
        quartiles=quartiles(added["record"]),
        beside=[
            Beside("nobody looks", median(added["agent"])),
            Beside("probe armed", median(added["probe"])),
            Beside("grpc in the process", median(added["grpc"])),
        ],
        note=f"without anything it takes {base:.2f} ms",
    )


def _lost(found: dict[str, list[_Forked]]) -> list[Figure]:
    count = _FORKS * len(found["nothing"])
    lost = {kind: sum(each.lost for each in forked) for kind, forked in found.items()}
    peer = [Beside(f"grpc in the process, of {_PEER_FORKS * len(found['grpc']):,}", lost["grpc"])]
    return [
        Figure(f"children lost of {count:,}, recording", lost["record"], "", 0, beside=peer),
        Figure(f"children lost of {count:,}, probe armed", lost["probe"], "", 0, beside=peer),
    ]


@contextlib.contextmanager
def _looked_at(asked: Mapping[str, object]) -> Iterator[processes.Program]:
    """A service that somebody looks at meanwhile."""
    with (
        processes.program("forker", "agent") as target,
        processes.program("watcher", str(target.pid), json.dumps(asked)) as watcher,
    ):
        if not watcher.ask("started"):
            raise RuntimeError("the look did not begin")
        yield target


@contextlib.contextmanager
def _grpc() -> Iterator[processes.Program]:
    """A service with a gRPC server in it and a stream open."""
    with (
        processes.program("forker", "grpc") as target,
        processes.program("listener", str(target.ask("port"))),
    ):
        yield target


ROWS = [Row("fork", measure)]
