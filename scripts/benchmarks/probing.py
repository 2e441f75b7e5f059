"""What probes cost: not reached, their condition false, on the hottest line, on watched calls, and at a hit."""

from __future__ import annotations

import contextlib
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks import peers, processes
from benchmarks.model import Beside, Figure, Row, Setting
from benchmarks.rounds import median, percentile, quartiles

_SERVICE = "bench-probes"
_FILE = "programs/work.py"
_SPAN = 0.4
"""Seconds of one measurement."""
_SETTLING = 1.0
"""Seconds after arming: the governor has learnt what an event costs."""
_LOOK = 3.0
"""Seconds for which calls are counted."""
_PATIENCE = 10.0
_HITS = 400
_APART = 0.012
"""Seconds between two hits: ddtrace takes at most 100 a second, and of one frame the values."""
_DEPTH = 10
_SLOW_CALLS = {
    "probe": {"function": {"module": "work", "function": "called_probed"}, "watch": {}, "condition": "elapsed > 10"}
}


def measure_unreached(setting: Setting) -> Sequence[Figure]:
    """A line that is never reached, in a function that works hard."""
    with _loops() as target:
        at = {"line": {"file": _FILE, "line": target.ask("lines")["never"]}}
        armed, control = _ratios(target, {"probe": at}, "busy", setting.rounds(9))
        traced = [one / other for one, other in target.ask("settrace", _SPAN)]
    return [
        Figure(
            "armed, line not reached",
            median(armed),
            "x",
            1.01,
            quartiles=quartiles(armed),
            control=median(control),
            beside=[
                Beside("sys.settrace", median(traced)),
                *peers.beside(peers.measure(setting, "never", "stop", lambda peer: _probed(peer, "busy")), _slower),
            ],
        )
    ]


def measure_false(setting: Setting) -> Sequence[Figure]:
    """The hottest line with a condition that is false, and no governor: what one event costs."""
    version = sys.version_info
    bar = 150 if version < (3, 12) else 700 if version < (3, 13) else 300
    with _loops(share=1.0) as target:
        at = {"line": {"file": _FILE, "line": target.ask("lines")["hottest"]}, "condition": "number < 0"}
        added: list[float] = []
        control: list[float] = []
        for _ in range(setting.rounds(9)):
            control += _differences(target, "hot")
            with _watched(target, {"probe": at}) as watcher:
                added += _differences(target, "hot")
                seen = watcher.ask("status")["sampled_share"]
                if seen < 0.99:
                    raise RuntimeError(f"only {seen:.0%} of the events were looked at")
    theirs = peers.measure(setting, "hottest", "false", lambda peer: _probed(peer, "hot"))
    return [
        Figure(
            "condition false, per hit",
            median(added) - median(control),
            "ns",
            bar,
            quartiles=quartiles(added),
            beside=peers.beside(theirs, _longer),
            note=f"two functions that are alike differ by {median(control):.1f} ns",
        )
    ]


def measure_governed(setting: Setting) -> Sequence[Figure]:
    """The hottest line with a condition that is false, as the governor allows it: the whole loop."""
    bar = 1.03 if sys.version_info >= (3, 13) else 1.07
    with _loops() as target:
        at = {"line": {"file": _FILE, "line": target.ask("lines")["hottest"]}, "condition": "number < 0"}
        armed, control = _ratios(target, {"probe": at}, "hot", setting.rounds(9))
        with _watched(target, {"probe": at}) as watcher:
            target.ask("pair", "hot_probed", "hot_plain", 3)
            status = watcher.ask("status")
    theirs = peers.measure(setting, "hottest", "false", lambda peer: _probed(peer, "hot"))
    return [
        Figure(
            "hottest line probed, governed",
            median(armed),
            "x",
            bar,
            quartiles=quartiles(armed),
            control=median(control),
            beside=peers.beside(theirs, _slower),
            note=f"{100 * status['sampled_share']:.3g} % of the executions are looked at",
        )
    ]


def measure_calls(setting: Setting) -> Sequence[Figure]:
    """Calls of a function that does next to nothing, watched for those that take long, which none does."""
    added: list[float] = []
    control: list[float] = []
    with _loops(share=1.0) as target:
        for _ in range(setting.rounds(9)):
            control += _differences(target, "calling")
            with _watched(target, _SLOW_CALLS) as watcher:
                added += _differences(target, "calling")
                if (seen := watcher.ask("status")["sampled_share"]) < 0.99:
                    raise RuntimeError(f"only {seen:.0%} of the calls were looked at")
        with _watched(target, _SLOW_CALLS) as watcher:
            ungoverned = _calls_a_second(target, watcher)
    with _loops() as target:
        armed, alike = _ratios(target, _SLOW_CALLS, "calling", setting.rounds(9))
        with _watched(target, _SLOW_CALLS) as watcher:
            governed = _calls_a_second(target, watcher)
            share = watcher.ask("status")["sampled_share"]
    return [
        Figure(
            "watch, condition false: per call",
            median(added) - median(control),
            "ns",
            quartiles=quartiles(added),
            note=f"two functions that are alike differ by {median(control):.1f} ns",
        ),
        Figure(
            "watch of the hottest function, governed",
            median(armed),
            "x",
            quartiles=quartiles(armed),
            control=median(alike),
            note=f"calls are looked at for {100 * share:.3g} % of the time",
        ),
        Figure(
            "watch of the hottest function: calls timed",
            governed,
            "/s",
            beside=[Beside("without the governor", ungoverned)],
        ),
    ]


def measure_snapshot(setting: Setting) -> Sequence[Figure]:
    """Hits of 3 frames with 30 values; the program itself times the calls that they are taken in."""
    count = setting.rounds(_HITS)
    with _loops(share=1.0) as target:
        line = target.ask("lines")["values"]
        limits = {"hits": 2 * count, "rate": 1000, "frames": 3, "ttl": "600s"}
        target.ask("calls", 100, 0.001)
        bare = target.ask("calls", count, _APART)
        with _watched(target, {"probe": {"line": {"file": _FILE, "line": line}, "limits": limits}}) as watcher:
            probed = target.ask("calls", count, _APART)
            matched = _matched(watcher, count)
        large = _large_pauses(target, setting)
    if matched < 0.95 * count:
        raise RuntimeError(f"{matched} hits of {count}")
    theirs = peers.measure(setting, "values", "snapshot", lambda peer: peer.ask("calls", count, _APART))
    return [
        Figure(
            f"snapshot, pause of the thread: p{percent}",
            percentile(_pauses((bare, probed)), percent),
            "µs",
            bar,
            beside=[
                Beside("no probe", percentile(_pauses((bare, bare)), percent)),
                *peers.beside(theirs, _pause_at(percent), "1 frame"),
            ],
        )
        for percent, bar in ((50, 50), (99, 1000), (100, 10_000))
    ] + [Figure("snapshot of large data: longest pause", max(large), "µs", 10_000, quartiles=quartiles(large))]


def _large_pauses(target: processes.Program, setting: Setting) -> list[float]:
    """How long calls take whose frame holds far more than a snapshot shows."""
    count = setting.rounds(60)
    line = target.ask("lines")["large"]
    limits = {"hits": 2 * count, "rate": 1000, "ttl": "600s"}
    with _watched(target, {"probe": {"line": {"file": _FILE, "line": line}, "limits": limits}}) as watcher:
        found = [float(each) for each in target.ask("large_calls", count)]
        if not _matched(watcher, 1):
            raise RuntimeError("the large data were not captured")
    return found


def measure_exceptions(setting: Setting) -> Sequence[Figure]:
    """Exceptions that are not looked for, while others are: per frame that they pass."""
    armed: list[float] = []
    bare: list[float] = []
    with _loops(share=1.0) as target:
        target.ask("raises", _DEPTH, 50)
        for _ in range(setting.rounds(9)):
            bare.append(median(target.ask("raises", _DEPTH, 50)))
            with _watched(target, {"probe": {"exception": {"type": "Wanted"}}}):
                armed.append(median(target.ask("raises", _DEPTH, 50)))
    added = [(one - other) / (_DEPTH + 1) for one, other in zip(armed, bare, strict=True)]
    return [
        Figure(
            "exception armed, others: per frame passed",
            median(added),
            "ns",
            200,
            quartiles=quartiles(added),
            note=f"without it, a frame takes {median(bare) / (_DEPTH + 1):.0f} ns",
        )
    ]


def _matched(watcher: processes.Program, wanted: int) -> int:
    """How many hits there were, as soon as these are counted: the counters come once a second."""
    deadline = time.monotonic() + _PATIENCE
    while (matched := int(watcher.ask("status")["matched"])) < wanted and time.monotonic() < deadline:
        time.sleep(0.1)
    return matched


def _calls_a_second(target: processes.Program, watcher: processes.Program) -> float:
    """How many calls a second are timed of a loop that does nothing else; none was made since the probe was armed."""
    target.ask("pair", "calling_probed", "calling_probed", _LOOK)
    time.sleep(_SETTLING + 0.5)  # the counters come once a second
    return int(watcher.ask("status")["reached"]) / _LOOK


def _pause_at(percent: float) -> Callable[[peers.Times], float]:
    return lambda times: percentile(_pauses(times), percent)


def _pauses(times: peers.Times) -> list[float]:
    """How much longer than usual each call took."""
    bare, probed = times
    usual = median(bare)
    return [each - usual for each in probed]


def _probed(target: processes.Program, kind: str) -> list[float]:
    """Nanoseconds an iteration."""
    return [float(one) for one, _ in target.ask("pair", f"{kind}_probed", f"{kind}_plain", _SPAN)]


def _slower(times: peers.Times) -> float:
    before, after = times
    return median(after) / median(before)


def _longer(times: peers.Times) -> float:
    before, after = times
    return median(after) - median(before)


def _ratios(target: processes.Program, asked: Any, kind: str, rounds: int) -> tuple[list[float], list[float]]:
    """How much longer the probed one takes than the plain one, in turn armed and not.

    Each is put in relation to how they differ without a probe, right before; the control does so with two times that
    are both without.
    """
    armed, control = [], []
    for _ in range(rounds):
        first = _ratio(target, kind)
        second = _ratio(target, kind)
        with _watched(target, asked):
            armed.append(2 * _ratio(target, kind) / (first + second))
        control.append(second / first)
    return armed, control


def _ratio(target: processes.Program, kind: str) -> float:
    return median([one / other for one, other in target.ask("pair", f"{kind}_probed", f"{kind}_plain", _SPAN)])


def _differences(target: processes.Program, kind: str) -> list[float]:
    return [one - other for one, other in target.ask("pair", f"{kind}_probed", f"{kind}_plain", _SPAN)]


@contextlib.contextmanager
def _loops(share: float | None = None) -> Iterator[processes.Program]:
    """The target; `share`: of a core that probes may take, instead of what is usual."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {}
        if share is not None:
            policy = Path(folder) / "policy.toml"
            policy.write_text(f"[limits]\ncpu_share = {share}\n")
            environment["PYROMETER_POLICY"] = str(policy)
        with processes.program("loops", _SERVICE, environment=environment) as target:
            yield target


@contextlib.contextmanager
def _watched(target: processes.Program, asked: Any) -> Iterator[processes.Program]:
    """A probe, armed for as long as the block lasts."""
    with processes.program("watcher", str(target.pid), json.dumps(asked)) as watcher:
        if not watcher.ask("started"):
            raise RuntimeError("the probe was not armed")
        time.sleep(_SETTLING)
        yield watcher


ROWS = [
    Row("unreached", measure_unreached),
    Row("false", measure_false),
    Row("governed", measure_governed),
    Row("watch", measure_calls),
    Row("snapshot", measure_snapshot),
    Row("exceptions", measure_exceptions),
]
