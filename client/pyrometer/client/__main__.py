"""`pyrometer`, or `python -m pyrometer.client`."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import NoReturn

from pyrometer.client.command import run


def main() -> NoReturn:
    """Run the command line and end the process at once: the threads of grpc take 30 ms to be waited for."""
    code = run(sys.argv[1:])
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
