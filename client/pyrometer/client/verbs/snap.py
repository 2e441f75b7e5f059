"""`pyrometer snap`: the values at a line or function when it is next reached."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pyrometer.client.errors import UsageFault
from pyrometer.client.options import (
    Where,
    force_option,
    keep_option,
    output_option,
    probe_options,
    target_options,
)
from pyrometer.client.watching import limits, watch

if TYPE_CHECKING:
    from pyrometer.v1 import probe_pb2


@click.command("snap")
@target_options(short_namespace=False, required=True)
@click.argument("place", metavar="WHERE")
@probe_options
@force_option
@keep_option
@output_option("table", "jsonl")
def command(
    where: Where,
    place: str,
    condition: str,
    expressions: tuple[str, ...],
    hits: int,
    seconds: float,
    frames: int | None,
    force: bool,
    out: Path | None,
    output: str,
) -> int:
    """Show the values at a line, or at the start of a function, when it is next reached.

    WHERE is FILE:LINE (shop/cart.py:41) or MODULE:FUNCTION (shop.cart:Cart.total). Values are those before it runs.
    """
    probe = locate(place)
    probe.condition = condition
    probe.force = force
    probe.expressions.extend(expressions)
    probe.limits.CopyFrom(limits(hits, seconds, frames))
    return watch("snap", where, probe, output, out)


def locate(place: str) -> probe_pb2.Probe:
    """Read a WHERE. Raises UsageFault."""
    from pyrometer.v1 import probe_pb2

    head, colon, tail = place.rpartition(":")
    if colon and head and tail.isascii() and tail.isdecimal() and 0 < int(tail[:10]) < 2**31:
        return probe_pb2.Probe(line=probe_pb2.LineLocation(file=head, line=int(tail)))
    if colon and head and tail and not tail[0].isdecimal() and "/" not in place and not head.endswith(".py"):
        return probe_pb2.Probe(function=probe_pb2.FunctionLocation(module=head, function=tail))
    raise UsageFault(
        f"{place!r} is no place.", next="Write FILE:LINE (shop/cart.py:41) or MODULE:FUNCTION (shop.cart:total)."
    )
