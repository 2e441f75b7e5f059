"""Descriptors: ours are used, another's under the same number are left alone."""

from __future__ import annotations

import _socket
import os
import socket
import threading
from collections.abc import Iterator

import pytest

from pyrometer.agent.descriptors import OwnedSocket


@pytest.fixture
def pair() -> Iterator[tuple[OwnedSocket, socket.socket]]:
    """One end that the agent holds, and the other."""
    here, there = socket.socketpair()
    owned = OwnedSocket(_socket.socket(fileno=here.detach()))
    yield owned, there
    owned.close()
    there.close()


def test_a_connection_under_our_number_is_not_read(pair: tuple[OwnedSocket, socket.socket]) -> None:
    """Fault 26a: it takes our number while we wait; what woke us was our own peer."""
    owned, there = pair
    service, customer = socket.socketpair()
    failed: list[OSError] = []

    def wait() -> None:
        try:
            owned.receive(100, 30.0)
        except OSError as error:
            failed.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    kept = os.dup(owned.sock.fileno())
    customer.sendall(b"GET / HTTP/1.1")
    os.dup2(service.fileno(), owned.sock.fileno())
    there.sendall(b"ping")
    waiting.join()
    assert len(failed) == 1
    assert service.recv(100, socket.MSG_DONTWAIT) == b"GET / HTTP/1.1"
    taken = owned.sock.detach()
    for number in (taken, kept):
        os.close(number)
    service.close()
    customer.close()


def test_the_services_time_out_is_not_ours() -> None:
    """`socket.setdefaulttimeout` is for sockets of the service's."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(0.01)
    try:
        owned = OwnedSocket(_socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM))
    finally:
        socket.setdefaulttimeout(before)
    assert owned.sock.gettimeout() is None
    owned.close()


def test_what_does_not_come_or_go_in_time_is_a_time_out(pair: tuple[OwnedSocket, socket.socket]) -> None:
    """Nobody waits for a slow peer for ever."""
    owned, there = pair
    with pytest.raises(TimeoutError):
        owned.receive(1, 0.0)
    with pytest.raises(TimeoutError):
        owned.send(bytes(16 * 1024 * 1024), 0.05)
    there.close()
    with pytest.raises(BrokenPipeError):
        owned.send(b"x", 1.0)
