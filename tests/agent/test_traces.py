"""The trace of OpenTelemetry that a hit belongs to."""

from __future__ import annotations

import asyncio
import sys
import types

import pytest
from opentelemetry import context, trace
from opentelemetry.sdk.trace import TracerProvider

from pyrometer.agent.traces import NONE, Trace, current_trace

TRACER = TracerProvider().get_tracer("shop")


def ids(span: trace.Span) -> Trace:
    """The ids of a span, as OpenTelemetry itself gives them."""
    found = span.get_span_context()
    return Trace(trace.format_trace_id(found.trace_id), trace.format_span_id(found.span_id))


def test_the_current_span_is_found() -> None:
    """The innermost one; none before and after."""
    assert current_trace() == NONE
    with TRACER.start_as_current_span("outer") as outer:
        assert current_trace() == ids(outer)
        with TRACER.start_as_current_span("inner") as inner:
            assert current_trace() == ids(inner)
    assert current_trace() == NONE


def test_a_trace_from_another_service_is_found() -> None:
    """A span that records nothing has ids as well."""
    remote = trace.SpanContext(0x4BF92F3577B34DA6A3CE929D0E0E4736, 0xA1, is_remote=True)
    token = context.attach(trace.set_span_in_context(trace.NonRecordingSpan(remote)))
    try:
        assert current_trace() == Trace("4bf92f3577b34da6a3ce929d0e0e4736", "00000000000000a1")
    finally:
        context.detach(token)


def test_each_task_has_its_own() -> None:
    """The context of the task that runs."""

    async def work() -> tuple[Trace, Trace]:
        with TRACER.start_as_current_span("work") as span:
            await asyncio.sleep(0)
            return current_trace(), ids(span)

    async def both() -> list[tuple[Trace, Trace]]:
        return await asyncio.gather(work(), work())

    first, second = asyncio.run(both())
    assert first[0] == first[1] != second[0] == second[1]


def test_where_it_is_not_loaded_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or where something else has its name."""
    with TRACER.start_as_current_span("outer"):
        monkeypatch.setitem(sys.modules, "opentelemetry.context", types.ModuleType("opentelemetry.context"))
        assert current_trace() == NONE
        monkeypatch.delitem(sys.modules, "opentelemetry.context")
        assert current_trace() == NONE


def test_none_of_its_code_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A span and a context that take note of being asked."""
    asked: list[str] = []
    with TRACER.start_as_current_span("outer") as span:
        expected = ids(span)
        for cls in (type(span), trace.Span, trace.SpanContext, type(context.get_current())):
            for name in ("__getattribute__", "__eq__", "__hash__", "__len__", "get_span_context", "__getitem__"):
                monkeypatch.setattr(cls, name, lambda *_, name=name: asked.append(name), raising=False)
        try:
            assert current_trace() == expected
        finally:
            monkeypatch.undo()
    assert asked == []
