"""Probes as tests ask for them, and waiting for what they bring."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from tests.agent.places import FAULTS, line_of

from pyrometer.agent.probes import Registry
from pyrometer.link.model import ProbeLimits, ProbeSpec

MANY = ProbeLimits(hits=1000, rate=1000)


def at(words: str, probe_id: str = "p", **fields: Any) -> ProbeSpec:
    return ProbeSpec(probe_id, f"shapes.py ({words})", line=("shapes.py", line_of("shapes", words)), **fields)


def catching(name: str, scope: str = FAULTS, probe_id: str = "p", **fields: Any) -> ProbeSpec:
    return ProbeSpec(probe_id, name, exception=(name, scope), **fields)


def eventually(condition: Callable[[], object], registry: Registry | None = None) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        if registry is not None:
            registry.tick(time.monotonic())
        time.sleep(0.01)
