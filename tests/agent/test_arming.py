"""Arming: until somebody arms a probe there is no registry, and looking at probes does not make one."""

from __future__ import annotations

from typing import Any

from pyrometer.agent.arming import Arming


class Registry:
    """Notes what it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *_: self.asked.append(name)


def test_nothing_is_made_before_the_first_probe() -> None:
    """A look at a thousand processes must not make each of them load what only probes need."""
    arming = Arming(lambda: 1 / 0)  # type: ignore[arg-type, return-value]
    arming.release(object())
    arming.reset_after_fork()
    arming.give_back()
    assert arming.disarm(["p"]) == arming.statuses() == []
    assert arming.tick(0.0) is None
    assert not arming.armed


def test_all_is_passed_on_to_one_registry() -> None:
    """It is made once, and answers for everything from then on."""
    made: list[Registry] = []

    def make() -> Any:
        made.append(Registry())
        return made[-1]

    arming: Any = Arming(make)
    arming.arm(object(), object(), print)
    arming.arm(object(), object(), print)
    arming.disarm(["p"])
    arming.release(object())
    arming.statuses()
    arming.tick(0.0)
    arming.reset_after_fork()
    arming.give_back()
    (registry,) = made
    assert registry.asked == ["arm", "arm", "disarm", "release", "statuses", "tick", "reset_after_fork", "give_back"]
