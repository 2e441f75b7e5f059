"""A program whose environment lacks pyrometer: whether it has the agent, and was ever led to what lies beside it."""

from __future__ import annotations

import os
import sys
from typing import Any

paths: set[str] = set()


def note(event: str, arguments: tuple[Any, ...]) -> None:
    """Note where an import looks."""
    if event == "import":
        paths.update(arguments[2] or ())


sys.addaudithook(note)
if not (child := os.fork()):  # the agent is loaded before it
    os._exit(0)
os.waitpid(child, 0)
agent = sys.modules.get("pyrometer.agent")
print(agent is not None and agent._agent.running, sys.argv[1] in paths)
