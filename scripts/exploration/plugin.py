"""A plugin of pytest: probes every line of a package, catches all exceptions in it, notes what came of a test.

    EXPLORE_MODULE=click EXPLORE_MODE=probed EXPLORE_OUT=FILE python -m pytest -p exploration.plugin tests

MODE is `plain` (only the outcomes are noted) or `probed`. It arms through the agent's own engine, with probes as the
registry makes them, but without its limits of fifty probes and one line each: a probe stands for all lines of a file.
Their hits go on, some a second and file are captured with all values and thrown away, and no governor stops them.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from types import CodeType, FunctionType

    from pyrometer.agent.engines import Engine, ExceptionPoint, LinePoint, Meter, Placement

MODULE = os.environ["EXPLORE_MODULE"]
_RATE = 2
"""Hits a second of one file that are captured; all others are counted."""


class Armed:
    """All that is armed, from the end of the collection to that of the last test."""

    def __init__(self) -> None:
        from pyrometer.agent import engines, frames
        from pyrometer.agent.probes import Registry
        from pyrometer.guard.policy import Policy

        self._policy = Policy(cpu_share=1.0)
        self._registry = Registry(lambda: self._policy)
        self._engine: Engine = engines.choose()
        self._probes: dict[str, Any] = {}
        self._meters: list[Meter] = []
        self.hits: Counter[str] = Counter()
        frames.prepare()
        functions = list(_functions())
        self.functions = len(functions)
        lines = list(self._lines(functions))
        self.lines = len(lines)
        self.placements: list[Placement] = self._engine.arrange(lines, [self._exceptions(functions)])

    def disarm(self) -> dict[str, Any]:
        """Take all of it away, and say what it did."""
        self._engine.arrange([], [])
        errors = [probe.tally.last_error for probe in self._probes.values() if probe.tally.errors]
        return {
            "functions": self.functions,
            "lines": self.lines,
            "not_placed": [each.error for each in self.placements if each.error],
            "reached": sum(meter.used for meter in self._meters),
            "raised": self._probes["exceptions"].tally.fired,
            "captured": dict(self.hits),
            "errors": errors,
        }

    def _lines(self, functions: list[FunctionType]) -> Iterator[LinePoint]:
        from pyrometer.agent import locations
        from pyrometer.agent.engines import LinePoint, Meter

        for code in _codes(functions):
            probe = self._probe(code.co_filename, function=(MODULE, "*"))
            for line in sorted(locations.executable_lines(code)):
                self._meters.append(Meter())
                yield LinePoint(code, line, probe.spec.probe_id, None, probe.line_hit, probe.tally, self._meters[-1])

    def _exceptions(self, functions: list[FunctionType]) -> ExceptionPoint:
        from pyrometer.agent.engines import Meter
        from pyrometer.agent.placing import Found, exception_point

        probe = self._probe("exceptions", exception=("Exception", MODULE))
        return exception_point(probe, Found(functions=functions))._replace(meter=Meter())

    def _probe(self, name: str, **place: tuple[str, str]) -> Any:
        from pyrometer.link.model import ProbeLimits, ProbeSpec

        if name not in self._probes:
            limits = ProbeLimits(hits=100_000, rate=_RATE, ttl=86_400.0, frames=10)
            spec = ProbeSpec(name, name, limits=limits, **place)  # type: ignore[arg-type]
            self._probes[name] = self._registry._make(spec, self._policy, self, self._emit)
        return self._probes[name]

    def _emit(self, event: dict[str, Any], _weight: int) -> bool:
        from pyrometer.link.framing import encode

        encode(event)  # what was read is judged and described now, as on its way out
        self.hits["exceptions" if event.get("probe") == "exceptions" else "lines"] += event["event"] == "hit"
        return False  # thrown away, so that the probe never has had its last hit


def _functions() -> Iterator[FunctionType]:
    """The functions of the package's modules, as far as they are loaded."""
    from pyrometer.agent import loaded

    walk = loaded.Walk()
    for name, module in loaded.modules():
        if name == MODULE or name.startswith(f"{MODULE}."):
            for function in walk.functions(module):
                where = loaded.function_module(function)
                if where == MODULE or where.startswith(f"{MODULE}."):
                    yield function


def _codes(functions: list[FunctionType]) -> Iterator[CodeType]:
    from pyrometer.agent import loaded

    walk = loaded.Walk()
    for function in functions:
        yield from walk.codes(function.__code__)


_outcomes: dict[str, str] = {}
_armed: list[Armed] = []


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Arm once all is imported."""
    if os.environ["EXPLORE_MODE"] == "probed":
        _armed.append(Armed())


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note how a test came out: by the worst of its setup, call and teardown."""
    name, outcome = report.nodeid, str(report.outcome)
    told = report.when == "call" or outcome != "passed" or name not in _outcomes
    if told and _outcomes.get(name) != "failed":
        _outcomes[name] = outcome


def pytest_sessionfinish() -> None:
    """Write what came of it."""
    told = {"outcomes": _outcomes, "version": sys.version.split()[0], **(_armed[0].disarm() if _armed else {})}
    Path(os.environ["EXPLORE_OUT"]).write_text(json.dumps(told))
