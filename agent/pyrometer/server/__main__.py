"""`python -P -m pyrometer.server`: one look over stdin and stdout; with `--listen unix:PATH`, kept running."""

from __future__ import annotations

import signal
import sys


def main(arguments: list[str]) -> int:
    """Serve; the exit status. Until `serve` listens to it, ctrl-C ends us without a traceback of half an import."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if arguments[:1] == ["--listen"] and len(arguments) == 2:
        from pyrometer.server.serving import serve

        return serve(arguments[1])
    if arguments:
        sys.stderr.write("usage: python -P -m pyrometer.server [--listen unix:PATH]\n")
        return 2
    from pyrometer.server.look import serve_stdio

    return serve_stdio()


sys.exit(main(sys.argv[1:]))
