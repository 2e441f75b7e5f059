"""Messages from the other end are checked at the edge."""

from __future__ import annotations

from typing import Any

import pytest

from pyrometer.link.errors import BadRequest
from pyrometer.link.model import Hello, ProbeCounters, ProbeLimits, ProbeSpec

_PROBE = {"probe_id": "p1", "where": "shop/cart.py:40", "line": ["shop/cart.py", 40]}


def test_a_probe_survives_the_wire() -> None:
    """What is armed is what was asked for."""
    spec = ProbeSpec("p1", "x.py:3", line=("x.py", 3), condition="n > 1", limits=ProbeLimits(hits=5), template="{n}")
    assert ProbeSpec.from_wire({**spec.to_wire(), "line": ["x.py", 3], "expressions": []}) == spec


@pytest.mark.parametrize(
    "change",
    [
        {"line": None},
        {"function": ["shop", "f"]},
        {"line": ["shop/cart.py", "40"]},
        {"limits": {"hits": 0}},
        {"limits": {"ttl": float("inf")}},
        {"limits": {"ttl": 90_000}},
        {"limits": []},
        {"expressions": [1]},
        {"expressions": ["x"] * 33},
        {"condition": "x" * 5000},
        {"probe_id": 1},
        {"template": "x" * 5000},
        {"line": None, "exception": ["KeyError", ""], "template": "{x}"},
    ],
)
def test_a_probe_of_another_shape_is_refused(change: dict[str, Any]) -> None:
    """No place, two places, wrong types, limits that are not finite."""
    with pytest.raises(BadRequest):
        ProbeSpec.from_wire({**_PROBE, **change})


def test_a_lease_is_held_between_its_bounds() -> None:
    """A watcher can't ask for a probe that outlives it for long."""
    assert ProbeSpec.from_wire({**_PROBE, "lease": 900}).lease == 5.0
    assert ProbeSpec.from_wire({**_PROBE, "lease": 0}).lease == 1.8


def test_an_older_agent_says_less() -> None:
    """Fault 15: fields that came later have defaults, unknown ones are ignored."""
    hello = Hello.from_wire({"link": 1, "pid": 7, "service": "shop", "python": "3.11.7", "moon": "full"})
    assert (hello.pid, hello.service, hello.features) == (7, "shop", [])


@pytest.mark.parametrize("data", [None, [], {"link": 1}, {"link": "1", "pid": 7, "service": "s", "python": "3"}])
def test_a_hello_of_another_shape_is_refused(data: Any) -> None:
    """What is not a hello does not become one."""
    with pytest.raises(BadRequest):
        Hello.from_wire(data)


def test_counters_survive_the_wire() -> None:
    """Whatever a probe counted arrives."""
    counters = ProbeCounters("p1", "x.py:3", "n > 1", "ARMED", "", "ann", reached=5, condition_false=4, matched=1)
    assert ProbeCounters.from_wire(counters._asdict()) == counters
