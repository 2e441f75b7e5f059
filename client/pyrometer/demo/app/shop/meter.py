"""How much processor time the shop has used, so that its hot function gets its share by construction.

Of a process's processor time `pricing.discount_for` uses 60 %, `stock.reserve` 30 %, and everything else, answering
HTTP included, 10 %: what was too much at one request is left out at the next ones. A profiler that is right must say
so, on any machine and any version of Python.
"""

from __future__ import annotations

import threading
import time

HOT, WARM = 0.6, 0.3

_request = threading.local()
_lock = threading.Lock()  # guards what follows
_hot = 0.0
"""Processor seconds of the hot function, of all requests."""


def begin() -> None:
    """Start the account of a request."""
    _request.hot = 0.0


def add_hot(seconds: float) -> None:
    """Note processor time of the hot function."""
    global _hot
    _request.hot = getattr(_request, "hot", 0.0) + seconds
    with _lock:
        _hot += seconds


def warm_seconds() -> float:
    """Processor time that is due to the warm function."""
    hot: float = getattr(_request, "hot", 0.0)
    return hot * WARM / HOT


def rest_is_due() -> bool:
    """Whether everything else has had less than its share so far."""
    return time.process_time() < _hot / HOT
