"""What the interpreter counts of itself: the garbage collector's figures. Reading them changes nothing.

How long collections take is asked of the interpreter, which counts it from 3.15 on. Before, only a callback in
`gc.callbacks` could tell, and that runs in the service's threads, where a ctrl-C that falls into it is lost.
"""

from __future__ import annotations

from gc import get_count, get_stats, isenabled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from pyrometer.link.model import ProbeCounters

_GOES_ON = ("PENDING", "ARMED", "PAUSED")


def collector() -> dict[str, Any]:
    """The garbage collector's state and figures since the start. Shape: `link.model.vitals_reply`."""
    generations: list[dict[str, Any]] = list(get_stats())
    pauses = [generation.get("duration") for generation in generations]
    known = bool(pauses) and all(type(pause) is float for pause in pauses)
    return {
        "enabled": isenabled(),
        "counts": list(get_count()),
        "collections": [generation["collections"] for generation in generations],
        "collected": sum(generation["collected"] for generation in generations),
        "uncollectable": sum(generation["uncollectable"] for generation in generations),
        "pause": sum(pauses) if known else None,
    }


def armed(statuses: Iterable[ProbeCounters]) -> int:
    """How many probes are not over."""
    return sum(status.state in _GOES_ON for status in statuses)
