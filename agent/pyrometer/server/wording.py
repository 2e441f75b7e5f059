"""Values of an agent's as protobuf takes them: what it says may be anything, and must not fail the whole answer."""

from __future__ import annotations

import math

_MOST = {32: 2**32 - 1, 64: 2**63 - 1}


def text(value: str) -> str:
    """Text that is valid Unicode: lone surrogates (file names that are no UTF-8) are escaped."""
    return value.encode("utf-8", "backslashreplace").decode()


def whole(value: float, bits: int = 32) -> int:
    """A whole number of so many bits that is not negative: what is beyond them is the nearest, what is none is 0."""
    if isinstance(value, float) and not math.isfinite(value):
        return _MOST[bits] if value > 0 else 0
    return max(0, min(int(value), _MOST[bits]))
