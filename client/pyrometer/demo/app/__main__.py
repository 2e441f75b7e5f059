"""Runs the shop: `python .../demo/app [--workers N] [--port N] [--for SECONDS] [--no-traffic]`."""

from __future__ import annotations

import signal
import sys


def main() -> int:
    """Serve until the time is over or a signal comes; say `ready` when orders can be placed."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # ctrl-C ends it in the middle of an import too
    import argparse

    from shop.prefork import Shop

    parser = argparse.ArgumentParser(prog="shop", description=__doc__)
    parser.add_argument("--workers", type=int, default=2, help="processes that serve (2)")
    parser.add_argument("--port", type=int, default=0, help="port of 127.0.0.1 (any that is free)")
    parser.add_argument("--for", type=float, default=3600, dest="seconds", help="seconds until it ends (3600)")
    parser.add_argument("--no-traffic", action="store_true", help="wait for customers instead of bringing them")
    arguments = parser.parse_args()
    if arguments.workers < 1:
        parser.error("a shop needs a worker")
    shop = Shop(workers=arguments.workers, port=arguments.port, traffic=not arguments.no_traffic)
    return shop.serve(seconds=arguments.seconds)


if __name__ == "__main__":
    sys.exit(main())
