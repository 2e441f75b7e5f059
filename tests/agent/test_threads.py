"""Threads of the agent's: without the service's signals, and with a stack of their own."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator

import pytest
from tests.support.services import until

from pyrometer.agent import threads
from pyrometer.agent.threads import OWN, STACK, Threads
from pyrometer.agent.unpatched import native


@pytest.fixture
def small_stacks() -> Iterator[None]:
    """A service that keeps its threads small."""
    before = threading.stack_size(128 * 1024)
    yield
    threading.stack_size(before)


def test_no_signal_finds_a_thread_of_ours() -> None:
    """What the service blocks must stay pending; the starter's own mask is as it was."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    seen: list[set[int]] = []
    OWN.start(lambda: seen.append(set(signal.pthread_sigmask(signal.SIG_BLOCK, ()))))
    until(lambda: seen, "it has run")
    kernel_keeps = {signal.SIGKILL, signal.SIGSTOP}
    faults = {signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGTRAP, signal.SIGSYS}
    assert seen == [signal.valid_signals() - kernel_keeps - faults]
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before


def test_a_small_stack_is_not_for_ours(small_stacks: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the service's size holds again at once."""
    sizes: list[int] = []
    monkeypatch.setattr(native, "start_new_thread", lambda work, arguments: sizes.append(threading.stack_size()))
    Threads().start(lambda: None)
    assert (sizes, threading.stack_size()) == ([STACK], 128 * 1024)


def test_a_start_that_fails_leaves_no_trace(small_stacks: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither in the mask, nor in the size, nor in the count."""

    def refuse(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    monkeypatch.setattr(native, "start_new_thread", refuse)
    own = Threads()
    with pytest.raises(RuntimeError):
        own.start(lambda: None)
    assert (own.count(), threading.stack_size()) == (0, 128 * 1024)
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before


def test_they_are_counted_until_the_kernel_has_none_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a fork would warn of one that is just going."""
    own, leave = Threads(), threading.Event()
    own.start(leave.wait)
    until(own.native_ids, "it has begun")
    (number,) = own.native_ids()
    there = {number}
    monkeypatch.setattr(threads, "_exists", there.__contains__)
    leave.set()
    until(lambda: not own.idents(), "it has ended")
    assert own.count() == 1
    there.clear()
    assert own.count() == 0
