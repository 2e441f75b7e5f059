"""`pyrometer info`: what processes use, and what they are allowed."""

from __future__ import annotations

import math

import click

from pyrometer.client import documents, metering
from pyrometer.client.errors import UsageFault
from pyrometer.client.options import Where, output_option, target_options
from pyrometer.client.quantities import Duration
from pyrometer.client.render import failures
from pyrometer.client.render.metrics import MetricsText
from pyrometer.client.render.terminal import Style, colours, width
from pyrometer.client.session import open_look

_WINDOW = 0.5
"""Seconds over which a single look measures."""
_DAY = 86_400.0


@click.command("info")
@target_options()
@click.option("--watch", is_flag=True, help="Go on: a line a process, again and again.")
@click.option("--every", type=Duration(60), metavar="TIME", help="With --watch: how often; 1s if not said.")
@click.option("--for", "seconds", type=Duration(_DAY), metavar="TIME", help="With --watch: how long; 10m if not said.")
@output_option("table", "json", "jsonl")
def command(where: Where, watch: bool, every: float | None, seconds: float | None, output: str) -> int:
    """Tell what processes use: CPU, memory, threads, descriptors, GC, event-loop lag; quota, throttling, OOM kills.

    What can't be known is said to be so, with the reason. --watch ends by itself, and with ctrl-C.
    """
    _check(output, watch=watch, timed=every is not None or seconds is not None)
    interval = max(0.1, every or 1.0) if watch else _WINDOW
    count = math.ceil((seconds or 600.0) / interval) if watch else 1
    text = MetricsText(Style(enabled=colours()), width())
    with open_look(where) as look:
        for document in metering.rounds(look, where, interval, count):
            if output != "table":
                _print_document(document, output)
                continue
            for line in text.rows(document["processes"]) if watch else text.blocks(document["processes"]):
                click.echo(line)
            for line in failures.lines(document["errors"]):
                click.echo(line, err=True)
    return 0


def _check(output: str, *, watch: bool, timed: bool) -> None:
    if watch and output == "json":
        raise UsageFault("--watch prints one document after another.", next="Take -o jsonl, a line each")
    if timed and not watch:
        raise UsageFault("--every and --for are for --watch.", next="Add --watch, or leave them out")


def _print_document(document: documents.Document, output: str) -> None:
    if output == "json":
        documents.print_json("info", document)
    else:
        documents.print_lines("info", [document])
