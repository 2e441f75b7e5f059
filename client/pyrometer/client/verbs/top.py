"""`pyrometer top`: the hottest functions and threads of a service, live."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from pyrometer.client import documents
from pyrometer.client.options import Where, output_option, target_options
from pyrometer.client.quantities import Count, Duration
from pyrometer.client.render.terminal import Style, colours, width
from pyrometer.client.session import open_look

if TYPE_CHECKING:
    from pyrometer.client.live.rounds import Round

_LONGEST = 600.0


@click.command("top")
@target_options()
@click.option(
    "--for", "seconds", type=Duration(_LONGEST), default="10m", show_default=True, metavar="TIME", help="How long."
)
@click.option(
    "-r", "--rate", type=Count(1, 1000), default=100, show_default=True, metavar="N", help="Samples a second."
)
@click.option("--mode", type=click.Choice(["cpu", "wall", "gil"]), help="Which moments count; cpu where it can be.")
@click.option("--source", type=click.Choice(["agent", "outside"]), help="Where to read; outside where permitted.")
@output_option("table", "json", "jsonl")
def command(where: Where, seconds: float, rate: int, mode: str | None, source: str | None, output: str) -> int:
    """Show the hottest functions and threads of all processes, live: what was seen in the last ten seconds.

    Keys: arrows and enter open a stack, s and t sort, f and h show functions or threads, space pauses, q ends.
    """
    from pyrometer.client.live import console, loop, rounds
    from pyrometer.client.recording import start_message

    start = start_message(where, seconds, rate, mode, source)
    with open_look(where) as look:
        found = rounds.follow(look, start)
        if output == "table" and console.is_possible():
            return loop.run(found, Style(enabled=colours()), seconds)
        _print(found, output)
    return 0


def _print(found: Iterator[Round], output: str) -> None:
    """One table or document a round."""
    from pyrometer.client.live import rounds, screen

    for each in found:
        if output == "json":
            documents.print_json("top", rounds.document(each))
        elif output == "jsonl":
            documents.print_lines("top", [rounds.document(each)])
        else:
            click.echo("\n".join(screen.text(each, Style(enabled=colours()), width())))
