"""A service that knows, to the millisecond, until when a probe of its own was armed.

Arguments: service. `armed` waits until one is; `gone` waits until none is, and answers the monotonic clock.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import talk

import pyrometer.agent

if TYPE_CHECKING:
    from pyrometer.agent.service import Agent

_PATIENCE = 20.0


def armed() -> float:
    """Wait until a probe is armed."""
    return _wait(wanted=True)


def gone() -> float:
    """Wait until none is; answers when that was seen, in seconds of the system's monotonic clock."""
    return _wait(wanted=False)


def _armed(agent: Agent) -> bool:
    """Whether any probe is; there is nothing to have one before somebody looks."""
    return agent.reception is not None and bool(agent.reception.registry.statuses())


def _wait(*, wanted: bool) -> float:
    agent = pyrometer.agent._agent
    assert agent is not None
    end = time.monotonic() + _PATIENCE
    while _armed(agent) is not wanted and time.monotonic() < end:
        time.sleep(0.002)
    return time.monotonic()


pyrometer.agent.start(service=sys.argv[1], strict=True)
talk.serve({"armed": armed, "gone": gone})
