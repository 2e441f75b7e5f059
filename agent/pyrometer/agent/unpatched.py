"""The primitives that the agent uses, as they were before anybody replaced them.

gevent and eventlet put cooperative versions into `time`, `_thread` and `queue`: a lock of theirs taken in a callback
switches greenlets, and a thread of theirs is no thread. freezegun and time-machine replace the clocks, in every
module that holds one as an attribute: hence a namespace object, which they do not look into.
"""

from __future__ import annotations

import _queue
import _thread
import select
import sys
import time
from types import SimpleNamespace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def _original(module: str, name: str, current: Any) -> Any:
    """What `module.name` was before gevent or eventlet patched it.

    Either may be half imported by the service's main thread while we run in another one: then it has patched nothing.
    """
    saved = getattr(sys.modules.get("gevent.monkey"), "saved", {})
    if name in saved.get(module, {}):
        return saved[module][name]
    eventlet = sys.modules.get("eventlet.patcher")
    if getattr(eventlet, "already_patched", None):
        return getattr(eventlet.original(module), name, current)  # type: ignore[union-attr]
    return current


native = SimpleNamespace(
    monotonic=_original("time", "monotonic", time.monotonic),
    perf_counter=_original("time", "perf_counter", time.perf_counter),
    thread_time=_original("time", "thread_time", time.thread_time),
    time=_original("time", "time", time.time),
    clock_gettime=time.clock_gettime,
    sleep=_original("time", "sleep", time.sleep),
    start_new_thread=_original("_thread", "start_new_thread", _thread.start_new_thread),
    stack_size=_original("_thread", "stack_size", _thread.stack_size),
    allocate_lock=_original("_thread", "allocate_lock", _thread.allocate_lock),
    get_ident=_original("_thread", "get_ident", _thread.get_ident),
    get_native_id=_thread.get_native_id,
    SimpleQueue=_queue.SimpleQueue,
    poll=_original("select", "poll", select.poll),
    POLLIN=select.POLLIN,
    POLLOUT=select.POLLOUT,
    POLLERR=select.POLLERR,
    POLLHUP=select.POLLHUP,
)
"""Clocks (seconds), threads, locks and the queue of CPython itself."""
