"""What is refused when it is armed."""

from __future__ import annotations

import types
from typing import Any

import pytest
from tests.agent.owners import Owner
from tests.agent.places import SHAPES
from tests.agent.specs import MANY, at, catching

from pyrometer.agent import probes
from pyrometer.agent.probes import Registry
from pyrometer.guard.policy import Policy
from pyrometer.link.errors import (
    AmbiguousPlace,
    BadRequest,
    BudgetExceeded,
    ExpressionRejected,
    LinkError,
    NoSuchPlace,
    RedactedName,
    Refused,
)
from pyrometer.link.model import ProbeSpec

# What is refused.


@pytest.mark.parametrize(
    ("policy", "spec"),
    [
        (Policy(enabled=False), ProbeSpec("p", "", function=(SHAPES, "plain"))),
        (Policy(forbidden_verbs=("snap",)), ProbeSpec("p", "", function=(SHAPES, "plain"))),
        (Policy(forbidden_verbs=("log",)), ProbeSpec("p", "", function=(SHAPES, "plain"), template="{x}")),
        (Policy(values="shape"), ProbeSpec("p", "", function=(SHAPES, "plain"), template="{x}")),
        (Policy(forbidden_verbs=("catch",)), catching("CardError")),
        (Policy(forbidden_modules=("shop_*",)), ProbeSpec("p", "", function=(SHAPES, "plain"))),
        (Policy(forbidden_modules=("shop_*",)), ProbeSpec("p", "", function=("*", "plain"))),
        (Policy(forbidden_modules=("shop_*",)), at("plain: return")),
        (Policy(forbidden_modules=("shop_*",)), catching("CardError")),
    ],
)
def test_the_owners_policy_is_heard_at_every_arming(
    owner: Owner, shapes: types.ModuleType, policy: Policy, spec: ProbeSpec
) -> None:
    """Whatever the client says. Fault 82."""
    with pytest.raises(Refused):
        Registry(lambda: policy).arm(spec, owner, owner.emit)


def test_limits_are_held_under_the_owners_caps(owner: Owner, shapes: types.ModuleType) -> None:
    """Hits and time."""
    registry = Registry(lambda: Policy(max_hits=2, max_ttl=30.0))
    status = registry.arm(at("plain: return", limits=MANY), owner, owner.emit)
    assert status.expires_in <= 30.0
    for _ in range(5):
        shapes.plain(1)
    registry.release(owner)
    assert len(owner.hits) == 2


@pytest.mark.parametrize(
    ("spec", "error"),
    [
        (at("plain: return", condition="a.b()"), ExpressionRejected),
        (at("plain: return", condition="password == 'x'"), RedactedName),
        (at("plain: return", expressions=("import os",)), ExpressionRejected),
        (at("with_blank: comment"), NoSuchPlace),
        (ProbeSpec("p", "", function=(SHAPES, "no_such")), NoSuchPlace),
        (ProbeSpec("p", "", line=("pyrometer/agent/probes.py", 90)), Refused),
    ],
)
def test_what_can_not_work_is_refused_when_it_is_armed(
    registry: Registry, owner: Owner, shapes: types.ModuleType, spec: ProbeSpec, error: type[LinkError]
) -> None:
    """With the reason, and nothing is left behind."""
    with pytest.raises(error):
        registry.arm(spec, owner, owner.emit)
    assert registry.statuses() == []
    assert not issubclass(error, AmbiguousPlace)


def test_an_id_is_armed_once(registry: Registry, owner: Owner, shapes: types.ModuleType) -> None:
    """It is how the probe is spoken of."""
    registry.arm(at("plain: return"), owner, owner.emit)
    with pytest.raises(BadRequest):
        registry.arm(at("plain: total"), owner, owner.emit)


def test_the_number_of_probes_is_bounded(
    faked: Registry, owner: Owner, shapes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too many at once are refused, the others stay. Faults 34 and 70."""
    monkeypatch.setattr(probes, "MAX_PROBES", 3)
    for number in range(3):
        faked.arm(at("plain: return", str(number)), owner, owner.emit)
    with pytest.raises(BudgetExceeded):
        faked.arm(at("plain: return", "3"), owner, owner.emit)
    faked.disarm(["1"])
    faked.arm(at("plain: return", "3"), owner, owner.emit)


def test_arming_without_end_is_held_back(
    faked: Registry, owner: Owner, shapes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The interpreter counts versions of its instrumentation, and the counter is finite. Fault 37."""
    monkeypatch.setattr(probes, "ARMS_A_SECOND", 0.0)
    for _ in range(probes.MAX_ARMS // 2):
        faked.arm(at("plain: return"), owner, owner.emit)
        faked.disarm(["p"])
    with pytest.raises(BudgetExceeded):
        faked.arm(at("plain: return"), owner, owner.emit)


def test_a_type_that_is_not_loaded_is_said_so(registry: Registry, owner: Owner, faults: types.ModuleType) -> None:
    """A misspelt name waits for ever otherwise."""
    assert "no exception type PaymentErorr" in registry.arm(catching("PaymentErorr"), owner, owner.emit).reason
    assert "no exception type" not in registry.arm(catching("CardError", probe_id="q"), owner, owner.emit).reason
