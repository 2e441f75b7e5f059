"""How much processor time a request has used, so that the shop's hot function gets its share by construction.

Of the processor time of a request, `pricing.discount_for` uses 60 %, `stock.reserve` 30 %, and everything else,
answering HTTP included, 10 %. A profiler that is right must say so, on any machine and any version of Python.
"""

from __future__ import annotations

import threading
import time

HOT, WARM = 0.6, 0.3

_thread = threading.local()


def begin() -> None:
    """Start the account of a request; what this thread did since the last one ended belongs to it."""
    _thread.began = getattr(_thread, "ended", 0.0)
    _thread.hot = 0.0


def add_hot(seconds: float) -> None:
    """Note processor time of the hot function."""
    _thread.hot = getattr(_thread, "hot", 0.0) + seconds


def warm_seconds() -> float:
    """Processor time that is due to the warm function."""
    hot: float = getattr(_thread, "hot", 0.0)
    return hot * WARM / HOT


def rest_seconds() -> float:
    """Processor time that is left for everything else, after what it used already."""
    used = time.thread_time() - getattr(_thread, "began", 0.0)
    return max(0.0, getattr(_thread, "hot", 0.0) / HOT - used)


def end() -> None:
    """Close the account."""
    _thread.ended = time.thread_time()
