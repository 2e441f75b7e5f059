"""`pyrometer why`: what is wrong with it, in ten seconds."""

from __future__ import annotations

import sys
import time

import click

from pyrometer.client import documents
from pyrometer.client.findings.commands import Commands
from pyrometer.client.findings.judgement import Judgement, judge
from pyrometer.client.findings.observation import Observations
from pyrometer.client.observing import Observer
from pyrometer.client.options import Where, output_option, target_options
from pyrometer.client.quantities import Duration
from pyrometer.client.render import failures
from pyrometer.client.render.findings import lines
from pyrometer.client.render.terminal import Style, colours, width
from pyrometer.client.session import open_look

_LONGEST = 60.0
_AT_LEAST = 0.5
"""Share of the time that is for looking, however long the start takes."""


@click.command("why")
@target_options()
@click.option("-d", "--duration", "seconds", type=Duration(_LONGEST), default="8s", show_default=True, help="How long.")
@output_option("table", "json")
def command(where: Where, seconds: float, output: str) -> int:
    """Find out what is wrong: one screen, worst first, each finding with its evidence and the next command.

    It looks at stacks and metrics for some seconds: deadlocks, the GIL, busy threads, event loops, workers that are
    unlike the others, throttling, memory, descriptors. It needs no options.
    """
    progress = _Progress(seconds)
    began = time.monotonic()
    with open_look(where) as look:
        left = max(_AT_LEAST * seconds, seconds - (time.monotonic() - began))
        seen = Observer(look, where, left, progress.show).observe()
    progress.clear()
    judgement = judge(seen, Commands(where))
    if output == "json":
        documents.print_json("why", _document(seen, judgement))
        return 0
    for line in lines(seen, judgement, Style(enabled=colours()), width()):
        click.echo(line)
    for line in failures.lines(seen.errors):
        click.echo(line, err=True)
    return 0


def _document(seen: Observations, judgement: Judgement) -> documents.Document:
    return {
        "seconds": round(seen.seconds, 3),
        "looks": len(seen.looks),
        "pids": [process.pid for process in seen.processes],
        "findings": [
            {
                "what": finding.what,
                "severity": finding.severity,
                "evidence": "; ".join(finding.evidence),
                "pid": finding.pid,
                "thread": finding.thread,
                "next": finding.next or None,
            }
            for finding in judgement.findings
        ],
        "all_right": judgement.all_right,
        "errors": seen.errors,
    }


class _Progress:
    """A line on a terminal's stderr while it looks; nothing elsewhere."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._live = sys.stderr.isatty()

    def show(self, share: float) -> None:
        """Say how far it is."""
        if self._live:
            bar = "━" * round(20 * share)
            sys.stderr.write(f"\r\x1b[K» looking for {self._seconds:g} s  {bar:<20}")
            sys.stderr.flush()

    def clear(self) -> None:
        """Take the line away."""
        if self._live:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
