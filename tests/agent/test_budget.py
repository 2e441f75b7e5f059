from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pyrometer.agent.budget import MAX_DEBT, PERIOD, RESERVE, Account, Governor


class Clock:
    """Time that passes only when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class World:
    """A governor without threads; `run` is a line that is reached all the time."""

    def __init__(self, share: float = 0.01) -> None:
        self.clock = Clock()
        self.switched: list[tuple[str, bool]] = []
        self.governor = Governor(self._pause, clock=self.clock, work_clock=self.clock, start_thread=self._no_thread)
        self.governor.share = share
        self.toggle_cost = 0.0

    def _pause(self, key: str, *, paused: bool) -> None:
        self.switched.append((key, paused))
        if not paused:
            self.clock.now += self.toggle_cost

    def _no_thread(self, work: Callable[[], None], arguments: tuple[Any, ...]) -> None:
        raise RuntimeError

    def account(self, key: str = "p") -> Account:
        return Account(self.governor, key)

    def run(self, accounts: list[Account], seconds: float, step: float, cost: float) -> float:
        """Reach the line of each account every `step` seconds; returns the seconds of work that were done in all."""
        end = self.clock.now + seconds
        spent = 0.0
        turn = 0
        while self.clock.now < end:
            for account in accounts:
                self.clock.now += step
                if account.meter.left > 0:
                    self.clock.now += cost
                    spent += cost
                    account.meter.left -= 1
                    if not account.meter.left:
                        account.meter.spent(cost)
            turn += 1
            if not turn % 50:
                self.governor.turn()
        return spent


@pytest.mark.parametrize("share", [0.002, 0.01, 0.1])
def test_a_hot_line_takes_no_more_than_the_share(share: float) -> None:
    """Measured in time, whatever the number of hits. Fault 63."""
    world = World(share)
    account = world.account()
    spent = world.run([account], 10.0, step=20e-6, cost=60e-6)
    assert 0.5 * share < spent / 10.0 < 1.1 * share
    assert account.sampled_share < 1.0
    assert account.cpu_share(world.clock.now) == pytest.approx(spent / 10.0, rel=0.2)


def test_several_hot_lines_share_the_budget_evenly() -> None:
    """All probes together; none starves."""
    world = World()
    accounts = [world.account(str(number)) for number in range(4)]
    spent = world.run(accounts, 20.0, step=20e-6, cost=60e-6)
    assert spent / 20.0 < 0.011
    shares = [account.total for account in accounts]
    assert max(shares) < 2 * min(shares)


def test_a_line_within_the_budget_is_never_switched_off() -> None:
    """Its allowances follow each other without a gap."""
    world = World()
    account = world.account()
    world.run([account], 20.0, step=0.001, cost=1e-6)
    assert world.switched == []
    assert account.sampled_share == 1.0
    assert account.meter.used > 19_000
    assert not account.governed(world.clock.now)


def test_what_an_event_costs_is_learnt() -> None:
    """From the event that ends an allowance, which is timed; the interpreter's own part is added."""
    world = World()
    account = world.account()
    world.run([account], 5.0, step=0.001, cost=2e-6)
    assert account.cost == pytest.approx(2.15e-6, rel=0.1)


def test_one_event_that_was_interrupted_does_not_spoil_the_estimate() -> None:
    """The thread lost its processor in the middle: that is no cost of ours."""
    world = World()
    account = world.account()
    world.run([account], 1.0, step=0.001, cost=1e-6)
    before = account.cost
    account.meter.give(1)
    world.clock.now += 1.0
    account.meter.left = 0
    account.meter.spent(0.01)
    assert account.cost < 3 * before


def test_hits_are_paid_for_and_switch_off_what_is_in_debt() -> None:
    """A capture takes a thousand times what a condition takes."""
    world = World()
    account = world.account()
    for _ in range(10):
        account.captured(0.005, 0.005)
    assert account.meter.left == 1
    account.meter.left = 0
    account.meter.spent(1e-6)
    wait = world.governor.turn()
    assert account.switched_off is not None
    assert wait == pytest.approx((0.05 - RESERVE * 0.01 + PERIOD * 0.01) / 0.01, rel=0.1)
    world.clock.now += wait
    world.governor.turn()
    assert account.switched_off is None
    assert world.switched == [("p", True), ("p", False)]
    assert account.governed(world.clock.now)


def test_a_hit_costs_what_its_thread_worked() -> None:
    """Among busy threads it takes ten times that: those who come after would wait for work that nobody did."""
    world = World()
    account = world.account()
    for _ in range(3):
        account.captured(0.0005, 0.04)
        account.meter.left = 0
        account.meter.spent(0.0401)
    assert world.switched == []
    assert account.total < 0.003
    assert account.cost < 0.0002


def test_one_clients_hits_are_not_waited_for_for_long_by_another() -> None:
    """Their probe may be over, and the next one has not been looked at once. Fault 70."""
    world = World()
    for _ in range(1000):
        world.account("dear").captured(0.01, 0.01)
    account = world.account("next")
    account.meter.left = 0
    account.meter.spent(1e-6)
    wait = world.governor.turn()
    assert wait == pytest.approx(MAX_DEBT + PERIOD)
    world.clock.now += wait
    world.governor.turn()
    assert world.switched == [("next", True), ("next", False)]


def test_switching_on_is_paid_for_too() -> None:
    """In a long function it takes longer than what it gives."""
    world = World()
    world.toggle_cost = 0.001
    account = world.account()
    world.run([account], 10.0, step=20e-6, cost=60e-6)
    assert account.total / 10.0 < 0.011
    assert sum(not paused for _, paused in world.switched) < 60


def test_the_sampled_share_tells_how_much_was_missed() -> None:
    """Of a line that takes 20 µs where nobody looks, and 80 where we do."""
    world = World()
    account = world.account()
    world.run([account], 10.0, step=20e-6, cost=60e-6)
    executions = (10.0 - account.total) / 20e-6
    assert account.sampled_share == pytest.approx(account.meter.used / executions, rel=0.3)


def test_a_closed_account_is_not_switched_on_again() -> None:
    """Its probe is gone."""
    world = World()
    account = world.account()
    for _ in range(10):
        account.captured(0.005, 0.005)
    account.meter.left = 0
    account.meter.spent(1e-6)
    world.governor.turn()
    account.close()
    world.clock.now += 1000
    assert world.governor.turn() is None
    assert world.switched == [("p", True)]
    assert account.meter.left == 0


def test_an_end_that_nobody_heard_of_is_found() -> None:
    """A signal's exception came between the last event and our hearing of it. Fault 24."""
    world = World()
    account = world.account()
    account.meter.left = 0
    account.rescue()
    account.rescue()
    world.clock.now += 1
    assert world.governor.turn() is None
    assert account.meter.left > 0
    assert world.switched == [("p", True), ("p", False)]


def test_where_no_thread_can_be_had_the_caller_attends() -> None:
    """A limit of pids may be reached. Fault 68."""
    world = World()
    account = world.account()
    account.captured(1.0, 1.0)
    account.meter.left = 0
    account.meter.spent(1e-6)
    world.governor.tend()
    assert world.switched == [("p", True)]
    assert world.governor.threads == set()
    world.clock.now += 200
    world.governor.tend()
    assert world.switched[-1] == ("p", False)


def test_a_thread_is_started_for_who_waits_and_for_nobody_else() -> None:
    """While nothing is over the budget there is none."""
    started: list[object] = []
    clock = Clock()
    governor = Governor(
        lambda key, *, paused: None, clock=clock, work_clock=clock, start_thread=lambda *work: started.append(work)
    )
    account = Account(governor, "p")
    governor.tend()
    assert started == []
    account.captured(1.0, 1.0)
    account.meter.left = 0
    account.meter.spent(1e-6)
    governor.tend()
    governor.tend()
    assert len(started) == 1


def test_a_child_of_a_fork_begins_anew() -> None:
    """The thread did not come along. Fault 19."""
    world = World()
    account = world.account()
    account.captured(1.0, 1.0)
    account.meter.left = 0
    account.meter.spent(1e-6)
    world.governor.turn()
    world.governor.forget()
    assert world.governor.turn() is None
    assert world.governor.threads == set()
