"""The agent's other half, beside the target: the gRPC API over links to agents, and over a reader from outside.

`python -P -m pyrometer.server` serves one look on its stdin and stdout and ends with them; `embed` hosts a server on a
thread of a single-process program.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyrometer.server.serving import Serving

__all__ = ["VERSION", "embed"]

VERSION = "0.1.0"


def embed(address: str) -> Serving:
    """Serve on `unix:PATH` from this process, until `stop()` of what is returned. See `serving.embed`."""
    from pyrometer.server import serving

    return serving.embed(address)
