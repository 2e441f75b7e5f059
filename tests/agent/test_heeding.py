"""Probes heed the owner's policy for as long as they are armed."""

from __future__ import annotations

from typing import Any

from pyrometer.agent.probes import Registry
from pyrometer.guard.policy import Policy
from pyrometer.link.errors import LinkError
from pyrometer.link.model import ProbeSpec

SPEC = ProbeSpec("p1", "", function=("nowhere_yet", "work"))


class Owner:
    """An owner of the process, and the watcher who is told of states."""

    def __init__(self) -> None:
        self.policy = Policy()
        self.events: list[dict[str, Any]] = []
        self.registry = Registry(self.in_force)

    def in_force(self) -> Policy:
        if not self.policy.enabled:
            raise LinkError("turned off", reason="DISABLED")
        return self.policy

    def emit(self, event: dict[str, Any], _weight: int) -> bool:
        self.events.append(event)
        return True

    def arm(self) -> str:
        return self.registry.arm(SPEC, self, self.emit).state


def test_what_is_armed_ends_when_pyrometer_is_turned_off() -> None:
    """With a state and its reason."""
    owner = Owner()
    assert owner.arm() == "PENDING"
    owner.registry.tick(10.0)
    assert owner.events == []
    owner.policy = Policy(enabled=False)
    owner.registry.tick(11.5)
    (event,) = owner.events
    assert (event["status"]["state"], event["status"]["reason"]) == ("FAILED", "turned off")


def test_what_was_armed_under_another_policy_ends() -> None:
    """It might show what is withheld by now; whoever arms it again does so under the present one."""
    owner = Owner()
    owner.arm()
    owner.policy = Policy(values="shape")
    owner.registry.tick(10.0)
    (status,) = owner.registry.statuses()
    assert status.state == "FAILED"
    assert "policy" in status.reason
    owner.registry.release(owner)
    assert owner.arm() == "PENDING"
