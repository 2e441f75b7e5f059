"""Who watches calls, a clock that stands still, and calls driven by hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Any

from pyrometer.agent.probes import Registry
from pyrometer.guard.policy import Policy
from pyrometer.link.framing import encode
from pyrometer.link.model import CallWatch, ProbeCounters, ProbeLimits, ProbeSpec

TIMED = "shop_timed"
MANY = ProbeLimits(hits=1000, rate=1000, frames=1)


class Clock:
    """Time that passes where a program says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def spend(self, seconds: float) -> None:
        self.now += seconds


class Watcher:
    """A registry and what it delivers."""

    def __init__(self, policy: Policy | None = None) -> None:
        self.registry = Registry(lambda: policy or Policy(cpu_share=1.0))
        self.events: list[dict[str, Any]] = []

    def emit(self, event: dict[str, Any], weight: int) -> bool:
        assert weight > 0
        self.events.append(json.loads(encode(event)[4:]))
        return True

    def arm(self, name: str, condition: str = "", probe_id: str = "p", **fields: Any) -> ProbeCounters:
        spec = ProbeSpec(
            probe_id,
            name,
            condition=condition,
            **{"function": (TIMED, name), "limits": MANY, "watch": CallWatch(), **fields},
        )
        return self.registry.arm(spec, self, self.emit)

    @property
    def hits(self) -> list[dict[str, Any]]:
        return [event["hit"] for event in self.events if event["event"] == "hit"]

    def hits_of(self, probe_id: str) -> list[dict[str, Any]]:
        return [event["hit"] for event in self.events if event["event"] == "hit" and event["probe"] == probe_id]

    @property
    def times(self) -> list[tuple[float, float | None]]:
        return [(hit["elapsed"], hit["suspended"]) for hit in self.hits]

    @property
    def status(self) -> ProbeCounters:
        return self.registry.statuses()[0]


def content(value: dict[str, Any] | None) -> object:
    """A captured value as one would write it."""
    if value is None:
        return None
    if "items" in value:
        return [content(item) for item in value["items"]]
    if value["kind"] == "int":
        return int(value["value"])
    return value.get("value", value.get("why") or value["kind"])


def arguments(hit: dict[str, Any]) -> dict[str, object]:
    return {name: content(value) for name, value in hit["arguments"]}


def run(coroutine: Coroutine[Any, Any, Any], *, waits: Callable[[], object] = lambda: None) -> object:
    """Drive a coroutine to its end; `waits` is called at each suspension."""
    while True:
        try:
            coroutine.send(None)
        except StopIteration as stop:
            return stop.value
        waits()
