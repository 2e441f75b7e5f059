"""`pyrometer serve`: the server kept running, for other gRPC clients."""

from __future__ import annotations

import os
import sys

import click

from pyrometer.client.targets import LocalTarget, RemoteOptions
from pyrometer.client.transports.local import Local


@click.command("serve")
@click.option("--listen", required=True, metavar="unix:PATH", help="Where; the folder must be yours alone (0700).")
def command(listen: str) -> int:
    """Keep a server running on a unix socket, for gRPC clients of any kind.

    Whoever can enter the folder may look. Reflection and health are on. Ctrl-C or SIGTERM ends it.
    """
    local = Local(LocalTarget(), RemoteOptions())
    sys.stdout.flush()
    os.execve(sys.executable, [*local.argv(), "--listen", listen], local.environment())
