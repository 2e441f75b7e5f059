"""The trace that a thread works for, as OpenTelemetry keeps it: read from where it is stored, without its code.

A context variable holds a dictionary, that the current span, and that a tuple with the two numbers.
"""

from __future__ import annotations

from pyrometer.agent.attributes import dict_value, qualified_name
from pyrometer.agent.loaded import module_global
from pyrometer.agent.mappings import ABSENT, Unreadable, find
from pyrometer.link.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Trace(NamedTuple):
    """Ids, hexadecimal; empty: there is none."""

    trace_id: str = ""
    span_id: str = ""


NONE = Trace()
_RUNTIME = "opentelemetry.context.contextvars_context.ContextVarsRuntimeContext"
_SPAN_CONTEXT = "opentelemetry.trace.span.SpanContext"
_VARIABLE = "_contextvars.ContextVar", "ContextVar"
_MAX_KEYS = 200
"""Entries of a context that are looked at."""


def current_trace() -> Trace:
    """The trace of the calling thread, or task."""
    try:
        return _current()
    except (Unreadable, TypeError, LookupError, AttributeError):
        return NONE


def _current() -> Trace:
    runtime = module_global("opentelemetry.context", "_RUNTIME_CONTEXT")
    key = module_global("opentelemetry.trace.propagation", "_SPAN_KEY")
    if runtime is None or type(key) is not str or qualified_name(type(runtime)) != _RUNTIME:
        return NONE
    variable: Any = dict_value(runtime, "_current_context")
    if qualified_name(type(variable)) not in _VARIABLE:
        return NONE
    context = type(variable).get(variable, None)
    if context is None or not issubclass(type(context), dict):
        return NONE
    span = find(context, key, _MAX_KEYS)
    return NONE if span is ABSENT else _of_span(span)


def _of_span(span: object) -> Trace:
    found: Any = dict_value(span, "_context")
    if not issubclass(type(found), tuple) or qualified_name(type(found)) != _SPAN_CONTEXT:
        return NONE
    trace_id, span_id = tuple.__getitem__(found, 0), tuple.__getitem__(found, 1)
    if (
        type(trace_id) is not int
        or type(span_id) is not int
        or not 0 < trace_id < 1 << 128
        or not 0 < span_id < 1 << 64
    ):
        return NONE
    return Trace(f"{trace_id:032x}", f"{span_id:016x}")
