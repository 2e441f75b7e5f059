"""Programs that are probed, who is told of hits and calls, and the registry that they are armed through."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Any

import pytest
from tests.agent.fakes import FakeEngine
from tests.agent.owners import Owner
from tests.agent.places import FAULTS, FLOWS, SHAPES, loaded
from tests.agent.watchers import TIMED, Clock, Watcher

from pyrometer.agent.engines import following
from pyrometer.agent.probes import Registry
from pyrometer.guard.policy import Policy


@pytest.fixture
def shapes() -> Iterator[types.ModuleType]:
    with loaded("shapes", SHAPES) as module:
        yield module


@pytest.fixture
def flows() -> Iterator[types.ModuleType]:
    with loaded("flows", FLOWS) as module:
        yield module


@pytest.fixture
def faults() -> Iterator[types.ModuleType]:
    with loaded("faults", FAULTS) as module:
        yield module


@pytest.fixture
def owner() -> Owner:
    return Owner()


@pytest.fixture
def registry() -> Iterator[Registry]:
    """One that may use a whole core, so that no test waits for the governor; nothing is armed afterwards."""
    made = Registry(lambda: Policy(cpu_share=1.0))
    yield made
    made.disarm([status.probe_id for status in made.statuses()])


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """What calls are timed by."""
    made = Clock()
    monkeypatch.setattr(following, "_clock", made)
    return made


@pytest.fixture
def timed(clock: Clock) -> Iterator[Any]:
    with loaded("timed", TIMED) as module:
        module.spend = clock.spend  # type: ignore[attr-defined]
        yield module


@pytest.fixture
def watcher() -> Iterator[Watcher]:
    made = Watcher()
    yield made
    made.registry.disarm([status.probe_id for status in made.registry.statuses()])


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def faked(engine: FakeEngine) -> Registry:
    return Registry(Policy, lambda: engine)
