"""What a probe's place means in this process at this moment: the owner's word on it, code objects, points.

Looking a place up is slow and takes no lock.
"""

from __future__ import annotations

import sys

from pyrometer.agent import drift, locations
from pyrometer.agent.codes import body_run_once, called, name_of
from pyrometer.agent.endings import parameters
from pyrometer.agent.engines import CallPoint, ExceptionPoint, LinePoint, line_costs
from pyrometer.agent.expressions import compile_expression
from pyrometer.agent.scopes import Scope, TypeName
from pyrometer.guard.redaction import Redactor
from pyrometer.link.errors import NoSuchPlace, Refused, SourceChanged
from pyrometer.link.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import CodeType
    from typing import Any

    from pyrometer.agent.probe import Probe
    from pyrometer.guard.policy import Policy
    from pyrometer.link.model import ProbeSpec

_OPTIMIZED = 1
"""Flag of the code of functions, unlike that of classes and modules."""
_BODIES = "; what is in no function runs while it is loaded, before it is found"
REWRITES = sys.version_info < (3, 12)
"""Whether exceptions are seen by rewriting the functions in scope, so that new ones have to be found."""


class Found(NamedTuple):
    """Where a probe's place is at the moment."""

    codes: list[CodeType] = []  # noqa: RUF012 - never written to
    lines: list[int] = []  # noqa: RUF012
    functions: Sequence[Any] = ()
    note: str = ""


def resolve(spec: ProbeSpec, policy: Policy, *, everywhere: bool) -> Found:
    """Look a place up. Slow; raises LinkError where there is none and will be none."""
    if spec.line is not None:
        file, line = spec.line
        codes = locations.find_line(file, line, forbids=policy.forbids_module, everywhere=everywhere)
        return Found(
            codes, [line] * len(codes), note=_about_bodies(codes) if codes else f"{file} is not loaded yet{_BODIES}"
        )
    if spec.function is not None:
        module, name = spec.function
        codes = locations.find_function_codes(module, name, forbids=policy.forbids_module)
        if spec.watch is not None:
            codes = _called(codes, spec.where)
        lines = [locations.first_line(code) for code in codes]
        return Found(codes, lines, note="" if codes else f"{module} is not loaded yet")
    return _resolve_exception(spec)


def _about_bodies(codes: list[CodeType]) -> str:
    """What is to be known of a line that is in no function."""
    bodies = [body_run_once(code) for code in codes]
    return f"the line is in {bodies[0]}, which runs once, when it is imported" if all(bodies) else ""


def _called(codes: list[CodeType], where: str) -> list[CodeType]:
    """Those of functions and lambdas: comprehensions and bodies of classes are parts of a call.

    Raises:
        NoSuchPlace: there is code of that name, and none of it is called.
    """
    functions = [
        code
        for code in codes
        if code.co_flags & _OPTIMIZED and (name_of(code)[-1:] != ">" or name_of(code).endswith("<lambda>"))
    ]
    if codes and not functions:
        raise NoSuchPlace(f"{where} names no function", next="the calls of functions, methods and lambdas are watched")
    return functions


def check_text(spec: ProbeSpec, found: Found) -> Found:
    """Compare what a line is asked for with the file's text: a note where it has changed, and that is accepted.

    A function is asked for by its name, whatever its file says by now.

    Raises:
        SourceChanged: it has changed, and that is not accepted.
    """
    moved = drift.changed(found.codes) if spec.line is not None else []
    if not moved or spec.line is None:
        return found
    file, line = spec.line
    if not spec.force:
        raise SourceChanged(
            f"{file} {drift.WORDS}: {name_of(moved[0])}, which has line {line}, is not in the file as it runs",
            next="Restart the service to have what the file says; or --force, which takes the line of what runs.",
        )
    return found._replace(note=f"{file} {drift.WORDS}: the line is that of what runs")


def _resolve_exception(spec: ProbeSpec) -> Found:
    assert spec.exception is not None
    name, scope = spec.exception
    note = "" if TypeName(name).is_loaded() else f"no exception type {name} is loaded yet"
    functions = locations.functions_in_scope(scope) if REWRITES else ()
    return Found(functions=functions, note=note)


def exception_point(probe: Probe, found: Found) -> ExceptionPoint:
    """The point of a probe on exceptions."""
    assert probe.spec.exception is not None
    name, scope = probe.spec.exception
    return ExceptionPoint(
        probe.spec.probe_id,
        TypeName(name),
        Scope(scope, probe.recipe.forbids),
        found.functions,
        probe.exception_hit,
        probe.tally,
        probe.account.meter,
    )


def _tells_content(spec: ProbeSpec, policy: Policy) -> bool:
    """Whether a hit, or that there is one, tells more than types, sizes and structure, and how long a call took."""
    if spec.expressions or spec.template:
        return True
    if not spec.condition or spec.watch is None:
        return bool(spec.condition)
    names = compile_expression(spec.condition, Redactor.from_policy(policy), condition=True).names
    return any(name != "elapsed" for name in names)


def _verb(spec: ProbeSpec) -> str:
    """The verb that arms such a probe."""
    if spec.exception is not None:
        return "catch"
    return "log" if spec.template else "snap" if spec.watch is None else "watch"


def check_policy(spec: ProbeSpec, policy: Policy) -> None:
    """Refuse what the owner forbids.

    Raises:
        Refused: all of it, the verb, or the module that is named.
    """
    if not policy.enabled:
        raise Refused("the owner's policy has turned pyrometer off", reason="DISABLED")
    verb = _verb(spec)
    if verb in policy.forbidden_verbs:
        raise Refused(f"the owner's policy forbids {verb}")
    if policy.values == "shape" and _tells_content(spec, policy):
        raise Refused(
            "the owner's policy lets out no content here, and a condition, an expression or a log line would tell it",
            next="snap, without --if and --expr, shows types, sizes and structure",
        )
    module = spec.exception[1] if spec.exception is not None else (spec.function or ("", ""))[0]
    if module and policy.forbids_module(module):
        raise Refused(f"the owner's policy forbids the module {module}")


def line_points(probe: Probe, found: Found) -> list[LinePoint]:
    """The points of a probe on lines; its account learns what the interpreter takes for them."""
    spec, meter = probe.spec, probe.account.meter
    if found.codes and not REWRITES:
        probe.account.toll = sum(map(line_costs.first_events, found.codes))
        probe.account.event_cost = max(map(line_costs.event, found.codes, found.lines))
    return [
        LinePoint(code, line, spec.probe_id, probe.condition, probe.line_hit, probe.tally, meter)
        for code, line in zip(found.codes, found.lines, strict=True)
    ]


def call_points(probe: Probe, found: Found) -> list[CallPoint]:
    """The points of a probe on calls; each event is one more for the interpreter."""
    spec, account = probe.spec, probe.account
    account.comes_in_pairs = True
    verdicts = probe.recipe.redactor.verdicts
    return [
        CallPoint(
            code,
            spec.probe_id,
            probe.condition,
            probe.call_hit,
            probe.tally,
            account.meter,
            account.owe,
            parameters(code),
            withheld=verdicts[called(code)],
        )
        for code in found.codes
    ]
