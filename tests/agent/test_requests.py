"""Requests: the policy holds for each, what they may cost is bounded, and the audit says what was done."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pyrometer.agent.lags import LoopWatch
from pyrometer.agent.peers import Peer
from pyrometer.agent.requests import Requests
from pyrometer.guard.policy import Policy
from pyrometer.link.errors import BadRequest, LinkError, Refused
from pyrometer.link.model import ProbeCounters


class Everything:
    """Reception, registry, standard error and link in one; arming always succeeds."""

    def __init__(self) -> None:
        self.registry = self.stderr = self
        self.peer = Peer(7, 0, 0)
        self.lease: float | None = None
        self.lines: list[str] = []

    def prepare(self) -> None:
        pass

    def own_threads(self) -> set[int]:
        return set()

    def arm(self, spec: Any, *_: object) -> ProbeCounters:
        return ProbeCounters(spec.probe_id, spec.where, spec.condition, "ARMED", "", spec.by)

    def disarm(self, ids: list[str], may: object) -> list[str]:
        return ids

    def statuses(self) -> list[ProbeCounters]:
        return [ProbeCounters("p", "w", "", "ARMED", "", "")]

    def line(self, text: str) -> None:
        self.lines.append(text)


@pytest.fixture
def world(policy: Path) -> Everything:
    return Everything()


@pytest.fixture
def requests(world: Everything) -> Requests:
    return Requests(world, world, Policy())  # type: ignore[arg-type]


def test_the_policy_holds_for_a_link_that_is_open(requests: Requests, policy: Path) -> None:
    """An owner who says stop is heard at once, and so is one who takes it back."""
    assert "threads" in requests.handle({"op": "dump"})
    policy.write_text("enabled = false\n")
    with pytest.raises(LinkError) as refused:
        requests.handle({"op": "dump"})
    assert refused.value.reason == "DISABLED"
    policy.write_text('[forbid]\nverbs = ["dump"]\n')
    with pytest.raises(Refused):
        requests.handle({"op": "dump"})
    policy.write_text("")
    assert "threads" in requests.handle({"op": "dump"})


def test_source_is_bounded_in_lines(requests: Requests) -> None:
    """Places times lines: else one request would keep the link's thread for minutes, whoever is gone meanwhile."""
    places = [["/a.py", 1, 0, 0]] * 20_000
    assert requests.handle({"op": "source", "lines": places})["lines"] == [None] * 20_000
    with pytest.raises(BadRequest):
        requests.handle({"op": "source", "lines": [["/a.py", 1, 50, 50]] * 200})


def test_the_audit_names_the_place_and_not_what_its_watcher_calls_it(requests: Requests, world: Everything) -> None:
    """No part of the line can push another out, or be taken for another."""
    probe = {
        "probe_id": "z" * 1100,
        "where": "health.py:1",
        "line": ["é" * 2000 + "/vault.py", 5],
        "condition": "secret == " + "é" * 1000,
        "by": 'al"ice: health.py:1\n' + "é" * 1000,
    }
    requests.handle({"op": "arm", "probe": probe})
    (line,) = world.lines
    assert line.startswith("probe " + "z" * 32 + " armed by uid 0, pid 7, who claims to be \"al'ice: health.py:1\\x0a")
    assert "secret == " in line
    assert "health.py:1 " not in line
    assert len(line.encode()) < 1000


def test_the_audit_names_who_removed_probes(requests: Requests, world: Everything) -> None:
    """However many they are."""
    requests.handle({"op": "disarm", "probe_ids": [f"{n}" * 400 for n in range(100)]})
    (line,) = world.lines
    assert line.startswith("removed by uid 0, pid 7: probes 0")
    assert line.endswith(" and 85 more")
    assert len(line) < 1000


def test_locals_are_redacted_and_leave_a_line(requests: Requests, world: Everything) -> None:
    """Who reads values is written down; a secret by its name stays inside."""
    password, plain = "hunter2", "shown"
    reply = requests.handle({"op": "locals", "of": "threads"})
    values = _values_of(reply, "test_locals_are_redacted_and_leave_a_line")
    assert values["plain"]["value"] == plain
    assert values["password"]["kind"] == "redacted"
    assert password not in str(reply)
    (line,) = world.lines
    assert line.startswith("variables of ")
    assert line.endswith(" frames of threads read by uid 0, pid 7")


def test_locals_keep_to_the_policy(requests: Requests, policy: Path) -> None:
    """`values = "shape"`, forbidden modules and roles hold for them as for probes; `view` has stacks, no values."""
    text = "no content"
    policy.write_text('values = "shape"\n')
    values = _values_of(requests.handle({"op": "locals", "of": "threads"}), "test_locals_keep_to_the_policy")
    assert values["text"] == {"type": "str", "kind": "str", "size": len(text), "why": "shape"}
    policy.write_text(f'[forbid]\nmodules = ["{__name__}"]\n')
    assert _values_of(requests.handle({"op": "locals", "of": "threads"}), "test_locals_keep_to_the_policy") is None
    policy.write_text('[roles]\n"uid:0" = "profile"\n')
    with pytest.raises(Refused):
        requests.handle({"op": "locals", "of": "tasks"})
    assert "tasks" in requests.handle({"op": "tasks"})


def test_locals_of_what_else_are_refused(requests: Requests) -> None:
    """And so are limits without an end."""
    with pytest.raises(BadRequest):
        requests.handle({"op": "locals", "of": "modules"})
    with pytest.raises(BadRequest):
        requests.handle({"op": "locals", "of": "threads", "limits": {"depth": 10_000}})


def _values_of(reply: dict[str, Any], function: str) -> Any:
    """The values of the one frame of a function, by name; None where it shows none."""
    for thread in reply["threads"]:
        for (code, _, _), values in zip(thread["frames"], thread["locals"], strict=False):
            if reply["codes"][code][0] == function:
                return None if values is None else dict(values)
    raise AssertionError(function)


@pytest.mark.parametrize("seconds", [-1, 1.5, float("nan"), "1", True, None])
def test_vitals_take_a_second_at_most(requests: Requests, seconds: object) -> None:
    """Who asks for longer asks again: so it is known that somebody is still there."""
    with pytest.raises(BadRequest):
        requests.handle({"op": "vitals", "seconds": seconds})


def test_vitals_tell_of_the_collector_and_the_probes(requests: Requests) -> None:
    """And of event loops, of which there is none here."""
    answer = requests.handle({"op": "vitals"})
    assert (answer["probes"], answer["loops"]) == (1, [])
    assert answer["gc"]["enabled"] is True


def test_who_may_see_no_stack_sees_none_of_a_loop_either(
    requests: Requests, policy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its lag is a figure; where it was is a part of what `dump` shows."""
    late = {"thread": "MainThread", "native_id": 7, "lag": 1.0, "busy": 1.0, "looks": 9}
    monkeypatch.setattr(LoopWatch, "watch", lambda self, seconds: [{**late, "frames": [["f", "f.py", 1, "m"]]}])
    assert requests.handle({"op": "vitals"})["loops"][0]["frames"]
    policy.write_text('[forbid]\nverbs = ["dump"]\n')
    assert requests.handle({"op": "vitals"})["loops"] == [{**late, "frames": []}]
