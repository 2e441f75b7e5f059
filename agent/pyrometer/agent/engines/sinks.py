"""Where Python itself takes exceptions that nobody handles, and where it stores them for somebody to look at."""

from __future__ import annotations

import posix

from pyrometer.agent.codes import name_of
from pyrometer.agent.unpatched import native
from pyrometer.link.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType


class Sink(NamedTuple):
    """A function of the standard library that catches whatever comes."""

    module: str
    words: str
    """What that means; `{thread}` is the thread's name."""
    stores: bool = False
    """Whether it keeps it for somebody who asks for a result."""
    passes_exits: bool = False
    """Whether SystemExit and KeyboardInterrupt go on."""


SINKS = {
    "Thread._bootstrap_inner": Sink("threading", "ended thread {thread}"),
    "_WorkItem.run": Sink("concurrent.futures.thread", "stored in future", stores=True),
    "_process_worker": Sink("concurrent.futures.process", "stored in future", stores=True),
    "worker": Sink("multiprocessing.pool", "stored in the pool's result", stores=True),
    "BaseProcess._bootstrap": Sink("multiprocessing.process", "ended the process"),
    "Handle._run": Sink("asyncio.events", "ended a callback of the event loop", passes_exits=True),
    "Task.__step": Sink("asyncio.tasks", "stored in task", stores=True),
    "Task.__step_run_and_handle_result": Sink("asyncio.tasks", "stored in task", stores=True),
}
"""By the function's qualified name."""

_OUTERMOST = ("<module>", "_run_module_as_main")


def ends_process(code: CodeType) -> bool:
    """Whether the process ends if an exception leaves this code, which nothing in Python has called."""
    return native.get_native_id() == posix.getpid() and name_of(code) in _OUTERMOST
