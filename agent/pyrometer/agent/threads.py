"""The agent's own threads: how each is started so that the service does not notice, and which there are.

A signal that the service blocks, to take it when it pleases, must not find a thread of ours that lets it in: ours start
with all signals blocked. And a stack that the service wants small holds its own work, not ours.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import posix

from pyrometer.agent.unpatched import native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

STACK = 1024 * 1024
"""Bytes of the smallest stack that our work is safe on."""
_OF_A_FAULT = {_signal.SIGSEGV, _signal.SIGBUS, _signal.SIGFPE, _signal.SIGILL, _signal.SIGTRAP, _signal.SIGSYS}
_BLOCKED = _signal.valid_signals() - _OF_A_FAULT
"""What ours do not take. A fault's own signal is for the thread at fault: `faulthandler` is to hear of it."""


class Threads:
    """Those of one process, each from before its start until the kernel has none of it left."""

    def __init__(self) -> None:
        self._alive: dict[object, tuple[int, int] | None] = {}
        self._leaving: dict[int, None] = {}
        """A dictionary, whose single steps are whole: two of a link's threads end at the same moment."""
        self._pid = posix.getpid()
        self._inherited: object = None

    def start(self, work: Callable[..., Any], arguments: tuple[Any, ...] = ()) -> None:
        """Start a thread of ours, as `_thread.start_new_thread` does. Raises RuntimeError: there is no room for one.

        The mask is read before it is changed: where a handler of the service's raises in between, it can be restored.
        """
        token = object()
        before = _signal.pthread_sigmask(_signal.SIG_BLOCK, ())
        self._alive[token] = None
        try:
            _signal.pthread_sigmask(_signal.SIG_BLOCK, _BLOCKED)
            _start(self._run, (token, work, arguments))
        except (RuntimeError, MemoryError):
            self._alive.pop(token, None)
            raise
        finally:
            _signal.pthread_sigmask(_signal.SIG_SETMASK, before)

    def idents(self) -> list[int]:
        """As `threading.get_ident` numbers them."""
        return [ids[0] for ids in list(self._alive.values()) if ids]

    def native_ids(self) -> list[int]:
        """As the kernel does."""
        return [ids[1] for ids in list(self._alive.values()) if ids]

    def count(self) -> int:
        """How many threads of this process are ours, those included that have yet to begin or to vanish."""
        self._let_go()
        return len(self._alive) + len(self._leaving)

    def forget(self) -> None:
        """In a child there are none. Nothing is let go of, since that would touch pages that the parent has too."""
        pid = posix.getpid()
        if pid != self._pid:
            self._pid = pid
            self._inherited = (self._alive, self._leaving)
            self._alive, self._leaving = {}, {}

    def _run(self, token: object, work: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        number = native.get_native_id()
        try:
            self._alive[token] = (native.get_ident(), number)
            work(*arguments)
            self._let_go()
        except MemoryError:  # the service's need: what ends is begun anew when there is memory, and stderr isn't ours
            pass
        finally:
            self._leaving[number] = None
            self._alive.pop(token, None)

    def _let_go(self) -> None:
        """Of those that the kernel has none of any more."""
        for number in list(self._leaving):
            if not _exists(number):
                self._leaving.pop(number, None)


OWN = Threads()
"""This process's."""


def _start(work: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    """Start a thread with room enough. The size is one for all, and to read it is to set it to the default."""
    before = native.stack_size(0)
    if before:
        native.stack_size(max(before, STACK))
    try:
        native.start_new_thread(work, arguments)
    finally:
        if before:
            native.stack_size(before)


def _exists(number: int) -> bool:
    try:
        posix.stat(f"/proc/self/task/{number}")
    except OSError:
        return False
    return True
