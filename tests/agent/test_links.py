"""Links: what a peer may cost, however it sends."""

from __future__ import annotations

import _socket
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from pyrometer.agent import links
from pyrometer.agent.descriptors import OwnedSocket
from pyrometer.agent.links import Link
from pyrometer.agent.peers import Peer
from pyrometer.agent.unpatched import native
from pyrometer.link.framing import encode


class Clock:
    """Monotonic seconds as the test has them."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """In place of the agent's."""
    made = Clock()
    monkeypatch.setattr(native, "monotonic", made)
    return made


class Dripping(OwnedSocket):
    """Each look finds one more byte, a second later."""

    clock: Clock
    data = b""

    def receive(self, size: int, seconds: float) -> bytes:
        self.clock.now += 1.0
        byte, self.data = self.data[:1], self.data[1:]
        return byte


@pytest.fixture
def owned(clock: Clock) -> Iterator[Dripping]:
    """What the link reads."""
    here, there = socket.socketpair()
    made = Dripping(_socket.socket(fileno=here.detach()))
    made.clock = clock
    yield made
    made.close()
    there.close()


def test_a_request_must_come_to_its_end(owned: Dripping, clock: Clock) -> None:
    """Fault 71: a byte a second keeps no link; the time runs from the first byte on, and ticks go on within."""
    owned.data = (1000).to_bytes(4, "big") + b"x" * 1000
    ticks: list[float] = []

    def tick() -> float:
        ticks.append(clock.now)
        return 0.25

    link = Link(owned, Peer(1, 0, 0))
    link.serve(lambda request: {}, tick)
    assert clock.now - 100.0 < 2 * links._REQUEST_TIMEOUT
    assert not ticks or ticks[-1] <= clock.now


def test_an_answer_that_takes_long_is_no_silence_of_the_watcher(
    owned: Dripping, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Among eight busy threads an arming takes longer than a lease, and the watcher waits for it. Fault 63."""
    asked: list[object] = []
    owned.data = encode({"id": 1, "op": "arm_"}) + encode({"id": 2, "op": "ping"})
    monkeypatch.setattr(Dripping, "receive", _at_once)
    link = Link(owned, Peer(1, 0, 0))

    def handle(request: dict[str, Any]) -> dict[str, Any]:
        asked.append(request["id"])
        link.lease = 1.8
        clock.now += 3.0 if request["id"] == 1 else 0.0
        return {}

    link.serve(handle, lambda: None)
    assert asked == [1, 2]


_ONE = len(encode({"id": 1, "op": "ping"}))
"""Bytes of a request; those of an arming are as many, here."""


def _at_once(owned: Dripping, size: int, seconds: float) -> bytes:
    """What there is; where there has not been time for anything to come, nothing has."""
    if seconds < 0.1:
        raise TimeoutError
    size = min(size, _ONE)
    piece, owned.data = owned.data[:size], owned.data[size:]
    return piece


def test_while_bytes_drip_what_is_armed_is_attended_to(owned: Dripping, clock: Clock) -> None:
    """A tick is due a quarter of a second after a request, whatever comes meanwhile; and the lease holds."""
    first = encode({"id": 1, "op": "arm"})
    answered: list[Any] = []
    ticks: list[float] = []
    link = Link(owned, Peer(1, 0, 0))

    def handle(request: dict[str, Any]) -> dict[str, Any]:
        answered.append(request["id"])
        link.lease = 3.0
        return {}

    def tick() -> float:
        ticks.append(clock.now)
        return 0.25

    owned.data = first + (1000).to_bytes(4, "big") + b"x" * 1000
    whole = owned.data
    owned.receive = lambda size, seconds: _piece(owned, clock, len(first), whole)  # type: ignore[method-assign]
    link.serve(handle, tick)
    assert answered == [1]
    assert len(ticks) > 1
    assert clock.now - 101.0 < links._REQUEST_TIMEOUT


def _piece(owned: Dripping, clock: Clock, first: int, whole: bytes) -> bytes:
    """The first request in one piece, then byte by byte."""
    size = first if owned.data is whole else 1
    clock.now += 1.0
    piece, owned.data = owned.data[:size], owned.data[size:]
    return piece
