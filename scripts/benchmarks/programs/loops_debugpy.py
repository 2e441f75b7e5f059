"""The work of `work.py` with debugpy in the process. `listen` answers the port that a debugger connects to."""

from __future__ import annotations

import debugpy  # noqa: T100 - it is what is measured
import talk
import work


def listen() -> int:
    """Wait for a debugger, and go on."""
    return int(debugpy.listen(("127.0.0.1", 0))[1])  # noqa: T100


talk.serve({**work.COMMANDS, "listen": listen, "file": lambda: work.__file__})
