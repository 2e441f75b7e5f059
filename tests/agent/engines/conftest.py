"""The engine that this interpreter has."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest

from pyrometer.agent import frames


@pytest.fixture
def engine() -> Iterator[Any]:
    """It has nothing arranged afterwards, and holds nothing of the interpreter's."""
    made = _made()
    yield made
    made.arrange([], [])
    if sys.version_info >= (3, 12):
        assert "pyrometer" not in (sys.monitoring.get_tool(4), sys.monitoring.get_tool(3))


def _made() -> Any:
    if sys.version_info < (3, 12):
        from pyrometer.agent.engines.bytecode import BytecodeEngine

        return BytecodeEngine()
    from pyrometer.agent.engines.monitoring import MonitoringEngine

    frames.prepare()
    return MonitoringEngine()
