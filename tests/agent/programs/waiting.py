"""Threads that wait in all the ways there are; the tests look at them by their names. Imported, not run."""

from __future__ import annotations

import contextlib
import ctypes  # noqa: F401 - as many services do; from 3.14 on the agent reads frames only where it is there
import queue
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for_all

FOREVER = threading.Event()
"""What ends all of them."""


class Traced(type(threading.RLock())):
    """A subclass of the interpreter's own lock, which runs code of its own where it can."""

    def __enter__(self):
        return super().__enter__()

    def __repr__(self):
        raise AssertionError("foreign code was run")


class Wrapped:
    """A lock in an object: not ours to understand, and nothing of it is to run."""

    ran: list[str] = []

    def __init__(self):
        object.__setattr__(self, "inner", threading.Lock())

    def __getattribute__(self, name):
        Wrapped.ran.append(name)
        return object.__getattribute__(self, name)

    def __enter__(self):
        return object.__getattribute__(self, "inner").acquire()

    def __exit__(self, *raised):
        object.__getattribute__(self, "inner").release()


class Till:
    def __init__(self):
        self.lock = threading.Lock()
        self.again = threading.RLock()
        self.kept = threading.Lock()
        self.perhaps = threading.Lock()
        self.condition = threading.Condition()
        self.plain_condition = threading.Condition(threading.Lock())
        self.jobs = queue.Queue()
        self.full = queue.Queue(1)
        self.full.put(1)
        self.quick = queue.SimpleQueue()
        self.permits = threading.Semaphore(0)
        self.ready = threading.Event()
        self.answer = Future()
        self.locks = [threading.Lock()]
        self.traced = Traced()
        self.wrapped = Wrapped()
        self.pool = ThreadPoolExecutor(1, thread_name_prefix="pool")
        self.holding = []

    def hold(self, lock):
        """Say that it is held, and stay."""
        self.holding.append(lock)
        FOREVER.wait()

    @contextlib.contextmanager
    def locked(self):
        with self.plain_condition:
            yield


till = Till()
other = threading.Lock()


def hold_lock():
    with till.lock:
        till.hold("lock")


def want_lock():
    with till.lock:
        pass


def want_lock_by_method():
    till.lock.acquire()


def want_lock_for_a_while():
    till.lock.acquire(timeout=1000)


def want_lock_by_its_bound_method():
    acquire = till.lock.acquire
    acquire()


def hold_item():
    with till.locks[0]:
        till.hold("item")


def want_item():
    with till.locks[0]:
        pass


def hold_kept():
    till.kept.acquire()
    try:
        till.hold("kept")
    finally:
        till.kept.release()


def want_kept():
    till.kept.acquire()
    try:
        pass
    finally:
        till.kept.release()


def hold_perhaps():
    taken = till.perhaps.acquire()
    try:
        till.hold("perhaps")
    finally:
        if taken:
            till.perhaps.release()


def want_perhaps():
    till.perhaps.acquire()


def hold_again():
    with till.again:
        for _ in range(2):
            with till.again:
                till.hold("again")


def want_again():
    with till.again:
        pass


def hold_condition():
    with till.condition:
        till.hold("condition")


def want_condition():
    with till.condition:
        pass


def hold_in_generator():
    with till.locked():
        till.hold("generator")


def want_plain_condition():
    till.plain_condition.acquire()


def hold_traced():
    with till.traced:
        till.hold("traced")


def want_traced():
    with till.traced:
        pass


def hold_wrapped():
    with till.wrapped:
        till.hold("wrapped")


def want_wrapped():
    with till.wrapped:
        pass


def hold_other():
    def inner():
        lock = other
        with lock, contextlib.suppress(ValueError):
            try:
                till.hold("other")
            finally:
                FOREVER.wait()

    inner()


def want_other():
    with other:
        pass


def wait_condition():
    idle = threading.Condition()
    with idle:
        idle.wait()


def wait_queue():
    while till.jobs.get() is not None:
        pass


def wait_full():
    till.full.put(2)


def wait_quick():
    till.quick.get()


def wait_permit():
    with till.permits:
        pass


def wait_event():
    till.ready.wait()


def wait_future():
    till.answer.result()


def wait_futures():
    wait_for_all([till.answer])


def wait_join():
    sleeper = THREADS["hold_lock"]
    sleeper.join()


HOLD = [work for name, work in sorted(globals().items()) if name.startswith("hold_")]
REST = [
    work for name, work in sorted(globals().items()) if name.startswith(("want_", "wait_")) and name != "wait_for_all"
]
THREADS = {work.__name__: threading.Thread(target=work, name=work.__name__, daemon=True) for work in (*HOLD, *REST)}
THREADS["wait_queue too"] = threading.Thread(target=wait_queue, name="wait_queue too", daemon=True)


def start():
    """Those that hold first."""
    for work in HOLD:
        THREADS[work.__name__].start()
    while len(till.holding) < len(HOLD):
        pass
    for name, thread in THREADS.items():
        if not name.startswith("hold_"):
            thread.start()
    till.pool.submit(int).result()
