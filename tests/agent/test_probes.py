"""Probes from being armed to their ends: what they wait for, who takes them along, what the governor does."""

from __future__ import annotations

import subprocess
import sys
import time
import types
from typing import Any

import pytest
from tests.agent.fakes import FakeEngine
from tests.agent.owners import Owner, local
from tests.agent.places import PROGRAMS, SHAPES, loaded
from tests.agent.specs import MANY, at, catching, eventually

from pyrometer.agent import engines, probes
from pyrometer.agent.probes import Registry
from pyrometer.guard.policy import Policy
from pyrometer.link.errors import EngineUnavailable
from pyrometer.link.model import ProbeLimits, ProbeSpec

# Life cycle.


def test_a_place_that_is_not_loaded_is_pending_and_armed_on_import(registry: Registry, owner: Owner) -> None:
    """By ticks, without a hook in the service's imports. Fault 27."""
    status = registry.arm(at("plain: return"), owner, owner.emit)
    assert status.state == "PENDING"
    assert "not loaded" in status.reason
    registry.arm(ProbeSpec("f", "", function=(SHAPES, "plain")), owner, owner.emit)
    registry.tick(time.monotonic())
    assert owner.states == []
    with loaded("shapes", SHAPES) as module:
        eventually(lambda: owner.states == ["ARMED", "ARMED"], registry)
        module.plain(1)
        assert len(owner.hits) == 2


def test_a_place_that_turns_out_wrong_on_import_fails_with_the_reason(registry: Registry, owner: Owner) -> None:
    """The line is a comment. Fault 28."""
    registry.arm(at("with_blank: comment"), owner, owner.emit)
    with loaded("shapes", SHAPES):
        eventually(lambda: owner.states == ["FAILED"], registry)
    assert "nearest" in registry.statuses()[0].reason


def test_a_module_that_is_loaded_again_is_followed(registry: Registry, owner: Owner) -> None:
    """Its functions are new ones. Fault 31."""
    with loaded("shapes", SHAPES) as old:
        registry.arm(at("plain: return", limits=MANY), owner, owner.emit)
    with loaded("shapes", SHAPES) as new:
        codes = registry._probes["p"].codes
        eventually(lambda: registry._probes["p"].codes is not codes, registry)
        new.plain(1)
        assert local(owner.hits[-1], "a")["value"] == "1"
        assert old.plain(1) == 3


def test_a_probe_ends_when_its_time_is_over(faked: Registry, engine: FakeEngine, owner: Owner, shapes: Any) -> None:
    """It always has an end. Fault 66: the clock is monotonic."""
    faked.arm(at("plain: return", limits=ProbeLimits(ttl=5.0)), owner, owner.emit)
    now = time.monotonic()
    assert faked.tick(now) == probes.TICK
    assert engine.lines
    faked.tick(now + 6)
    assert (owner.states, engine.lines) == (["EXPIRED"], [])
    assert faked.tick(now + 7) is None


def test_the_end_of_a_probe_is_told_although_its_reader_was_slow(
    faked: Registry, engine: FakeEngine, owner: Owner, shapes: Any
) -> None:
    """A watcher that never heard of it would wait for ever. Fault 65."""
    faked.arm(at("plain: return", limits=ProbeLimits(ttl=5.0)), owner, owner.emit)
    owner.full = True
    now = time.monotonic() + 6
    assert [faked.tick(now), faked.tick(now + 1)] == [probes.TICK, probes.TICK]
    owner.full = False
    assert faked.tick(now + 2) == probes.TICK
    assert owner.states == ["EXPIRED"]
    assert faked.tick(now + 3) is None


def test_a_link_that_is_gone_takes_its_probes_with_it(
    registry: Registry, owner: Owner, shapes: types.ModuleType, faults: types.ModuleType
) -> None:
    """And nobody else's, not on the same line either. Faults 9 and 12."""
    other = Owner()
    registry.arm(at("plain: return", limits=MANY), owner, owner.emit)
    registry.arm(at("plain: return", "q", limits=MANY), other, other.emit)
    registry.arm(catching("CardError", probe_id="r"), owner, owner.emit)
    registry.release(owner)
    shapes.plain(1)
    faults.checkout(1)
    assert (len(owner.hits), len(other.hits)) == (0, 1)
    assert [status.probe_id for status in registry.statuses()] == ["q"]
    registry.release(other)
    assert registry.tick(time.monotonic()) is None


def test_only_whose_owner_may_be_is_disarmed(registry: Registry, owner: Owner, shapes: types.ModuleType) -> None:
    """Who may is said by the caller; by default anybody's."""
    other = Owner()
    registry.arm(at("plain: return"), owner, owner.emit)
    assert registry.disarm(["p", "unknown"], lambda armed_by: armed_by is other) == []
    assert registry.disarm(["p", "unknown"], lambda armed_by: armed_by is owner) == ["p"]
    registry.arm(at("plain: return"), owner, owner.emit)
    assert registry.disarm(["p"]) == ["p"]


def test_a_hit_that_comes_after_disarming_is_not_delivered(
    faked: Registry, engine: FakeEngine, owner: Owner, shapes: Any
) -> None:
    """It was on its way in another thread."""
    faked.arm(at("plain: return"), owner, owner.emit)
    (point,) = engine.lines
    faked.release(owner)
    point.hit(sys._getframe())
    assert owner.events == []


def test_a_lost_tool_id_fails_all_probes_within_a_second(
    faked: Registry, engine: FakeEngine, owner: Owner, shapes: Any
) -> None:
    """Reported, never taken back. Fault 38."""
    faked.arm(at("plain: return"), owner, owner.emit)
    now = time.monotonic() + 2
    faked.tick(now)
    engine.ours = False
    faked.tick(now + 1)
    assert owner.states == ["FAILED"]
    assert "TOOL_ID_LOST" in faked.statuses()[0].reason


def test_an_owner_hears_that_all_probes_failed_when_another_ones_was_removed(
    faked: Registry, engine: FakeEngine, owner: Owner, shapes: Any
) -> None:
    """The engine was lost, and that showed when another link let go of its probe: nothing is armed any more then."""
    other = Owner()
    faked.arm(at("plain: return"), owner, owner.emit)
    faked.arm(at("plain: return", "q"), other, other.emit)
    engine.unavailable = "another tool took the tool id"
    faked.release(other)
    assert faked.tick(time.monotonic()) is not None
    assert owner.states == ["FAILED"]
    assert faked.tick(time.monotonic()) is None


def test_the_engines_word_on_a_probe_is_passed_on(
    faked: Registry, engine: FakeEngine, owner: Owner, shapes: Any
) -> None:
    """A note comes with the state, an error refuses what was asked."""
    assert faked.arm(at("plain: return"), owner, owner.emit).reason == "a note"
    engine.error = "the function is too large"
    with pytest.raises(EngineUnavailable, match="too large"):
        faked.arm(at("plain: return", "q"), owner, owner.emit)


def test_nothing_is_armed_where_the_engine_can_not_be_had(
    faked: Registry, engine: FakeEngine, owner: Owner, shapes: Any
) -> None:
    """Both tool ids are taken."""
    engine.unavailable = "in use by coverage and debugpy"
    with pytest.raises(EngineUnavailable, match="coverage"):
        faked.arm(at("plain: return"), owner, owner.emit)
    assert faked.statuses() == []


# The governor.


def test_a_probe_over_the_budget_is_shown_as_paused(
    faked: Registry, engine: FakeEngine, owner: Owner, shapes: Any
) -> None:
    """With the share that is looked at; its events are switched off and on again."""
    faked.arm(at("plain: return"), owner, owner.emit)
    account = faked._probes["p"].account
    account.captured(0.006, 0.006)
    account.meter.left = 0
    account.meter.spent(1e-6)
    faked.tick(time.monotonic())
    eventually(lambda: engine.paused == [("p", True), ("p", False)])
    faked.tick(time.monotonic())
    status = faked.statuses()[0]
    assert status.state == "PAUSED"
    assert "executions are looked at" in status.reason
    assert owner.states == ["PAUSED"]


@pytest.mark.since_python("3.12")
def test_the_hottest_line_may_be_probed(owner: Owner, shapes: types.ModuleType) -> None:
    """The governor's thread comes and goes; the loop's result is right all the while. Fault 63."""
    registry = Registry(Policy)
    registry.arm(at("looped: body", condition="number < 0", limits=MANY), owner, owner.emit)

    def governed() -> bool:
        assert shapes.looped(20_000) == 199_990_000
        return registry.statuses()[0].sampled_share < 1

    eventually(governed, registry)
    assert registry._governor.threads
    status = registry.statuses()[0]
    registry.release(owner)
    assert "PAUSED" in owner.states
    assert 0 < status.sampled_share < 1
    assert status.condition_false == status.reached > 0


# Processes.


def _run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(PROGRAMS / f"{program}.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)


def test_a_child_of_a_fork_has_no_probes_and_may_have_its_own() -> None:
    """Its parent's go on. Faults 16 and 19."""
    done = _run("forks", "50")
    assert (done.stdout, done.stderr) == ("lost 0 hits 1\n", "")


def test_a_process_ends_as_it_would_with_probes_armed() -> None:
    """Its own status, nothing on stderr, no fatal error. Fault 13."""
    for _ in range(5):
        done = _run("ending")
        assert (done.returncode, done.stdout, done.stderr) == (7, "ready\n", "")


def test_engines_are_chosen_by_version() -> None:
    """One interface."""
    assert engines.choose().name == ("monitoring" if sys.version_info >= (3, 12) else "bytecode")
