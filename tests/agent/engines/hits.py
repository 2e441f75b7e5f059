"""What probes saw, for the tests of engines: hits of one probe, and how its points are made."""

from __future__ import annotations

import sys
import types
from typing import Any

from tests.agent.places import FAULTS

from pyrometer.agent import frames, locations
from pyrometer.agent.engines import ExceptionPoint, LinePoint, Meter, Tally
from pyrometer.agent.expressions import compile_expression
from pyrometer.agent.scopes import Scope, TypeName
from pyrometer.guard.redaction import Redactor

_name_of = type.__dict__["__name__"].__get__


class Hits:
    """What a probe saw: the value of one variable, or the line, at each hit."""

    def __init__(self, name: str = "") -> None:
        self.seen: list[Any] = []
        self.tally = Tally()
        self.meter = Meter()
        self._name = name

    def line(self, frame: types.FrameType) -> None:
        self.seen.append(frames.read_local(frame, self._name) if self._name else frame.f_lineno)

    def exception(self, frame: types.FrameType, exc: BaseException) -> None:
        self.seen.append((frame.f_code.co_name, _name_of(type(exc))))

    def at(self, code: types.CodeType, line: int, condition: str = "", probe_id: str = "p") -> LinePoint:
        compiled = compile_expression(condition, Redactor(), condition=True) if condition else None
        return LinePoint(code, line, probe_id, compiled, self.line, self.tally, self.meter)

    def of(self, name: str, scope: str = FAULTS, probe_id: str = "p") -> ExceptionPoint:
        functions = locations.functions_in_scope(scope) if sys.version_info < (3, 12) else ()
        return ExceptionPoint(probe_id, TypeName(name), Scope(scope), functions, self.exception, self.tally, self.meter)


def nested(code: types.CodeType, name: str) -> types.CodeType:
    """The code object of that name inside another."""
    return next(const for const in code.co_consts if isinstance(const, types.CodeType) and const.co_name == name)


def place(engine: Any, *points: LinePoint) -> None:
    """Arrange lines, all of which must find their place."""
    assert [placement.error for placement in engine.arrange(points, [])] == [""] * len({p.probe_id for p in points})
