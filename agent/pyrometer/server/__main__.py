"""`python -P -m pyrometer.server`: one look over stdin and stdout."""

from __future__ import annotations

from pyrometer.server.look import serve_stdio

serve_stdio()
