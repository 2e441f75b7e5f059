"""What line events cost the interpreter itself, beside what a callback takes.

Before 3.14 the line of an event is looked up by walking the function's line table, for lines that are far from where a
function of usual density would have them: in a function of 6,000 short lines that takes 80 µs (3.12) an event, and half
a second until each line was switched off once.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType

EVENT = 0.15e-6
"""Seconds to call us and to come back."""
_STEP = 26e-9 if sys.version_info < (3, 13) else 12e-9 if sys.version_info < (3, 14) else 0.0
"""Seconds for each entry of the line table that is walked."""
_NEAR = range(-124, 128)
"""Distances of a line from where it is expected that the interpreter notes instead of walking."""


def event(code: CodeType, line: int) -> float:
    """Seconds of one event of a line, our own work apart."""
    return max((cost for at, cost in _costs(code) if at == line), default=EVENT)


def first_events(code: CodeType) -> float:
    """Seconds that a run through all lines of a function takes longer when its events have just been set."""
    return sum(cost for _, cost in _costs(code))


def _costs(code: CodeType) -> list[tuple[int, float]]:
    """Each line, and the seconds of one event of it."""
    found = []
    for index, (start, _, line) in enumerate(code.co_lines()):
        if line:
            is_near = line - code.co_firstlineno - (start >> 5) in _NEAR
            found.append((line, EVENT if is_near else EVENT + index * _STEP))
    return found
