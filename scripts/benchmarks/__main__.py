"""`python -m benchmarks`: measures rows and prints them as they come."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from pathlib import Path

os.environ.pop("PYTHONPATH", None)  # by which we were found; what is measured does not get it
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # it would have every start compile everything

from benchmarks import (
    commands,
    dumping,
    flamegraph,
    forking,
    groups,
    idle,
    leases,
    loopback,
    probing,
    recording,
    report,
)
from benchmarks.model import Measured, Row, Setting

_PEERS = os.environ.pop("BENCH_PEERS", "")
ROWS = [
    *idle.ROWS,
    *dumping.ROWS,
    *probing.ROWS,
    *recording.ROWS,
    *forking.ROWS,
    *leases.ROWS,
    *commands.ROWS,
    *flamegraph.ROWS,
]


def main() -> int:
    """Measure what is asked for; 1 if a bar is missed, or a row could not be measured."""
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # what was started ends with us
    asked = _arguments()
    loopback.see_to_it()
    rows = [row for row in ROWS if not asked.row or row.name in asked.row]
    with groups.undisturbed() as first:
        speed = report.speed()
        _say(report.head(speed, undisturbed=first))
        found = _all(rows, Setting(quick=asked.quick, peers=_PEERS if asked.peers else ""))
    if asked.json:
        asked.json.write_text(json.dumps(report.document(found, speed), indent=2, ensure_ascii=False) + "\n")
    missed = [figure for each in found for figure in each.figures if figure.met is False]
    return 1 if missed or any(each.failure for each in found) else 0


def _all(rows: list[Row], setting: Setting) -> list[Measured]:
    found = []
    for row in rows:
        found.append(_measure(row, setting))
        _say(report.lines(found[-1]))
    return found


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/bench", description="Measures rows and prints them as they come.", allow_abbrev=False
    )
    names = [row.name for row in ROWS]
    parser.add_argument(
        "--row",
        action="append",
        choices=names,
        metavar="NAME",
        help=f"one of {', '.join(names)}; only this one; may be given several times",
    )
    # The script that starts us takes this one; it is here to be listed.
    parser.add_argument("--python", metavar="PATH", help="the interpreter to measure; else the first one found")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there too")
    parser.add_argument("--quick", action="store_true", help="a third of the rounds")
    parser.add_argument("--peers", action="store_true", help="ddtrace, debugpy and pystack too; needs a package index")
    asked = parser.parse_args()
    if asked.json and not os.access(asked.json if asked.json.exists() else asked.json.parent, os.W_OK):
        parser.error(f"--json: {asked.json} can't be written")
    if asked.peers and not _PEERS:
        parser.error("--peers needs scripts/bench, which makes an environment for them")
    return asked


def _measure(row: Row, setting: Setting) -> Measured:
    began = time.monotonic()
    try:
        figures = tuple(row.measure(setting))
    except (RuntimeError, OSError, ValueError) as error:
        return Measured(row.name, time.monotonic() - began, failure=f"{type(error).__name__}: {error}")
    return Measured(row.name, time.monotonic() - began, figures)


def _say(lines: list[str]) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
