"""`pyrometer watch`: the calls of a function, with what they were given, what came of them, and how long they took."""

from __future__ import annotations

from pathlib import Path

import click

from pyrometer.client.errors import UsageFault
from pyrometer.client.options import Where, call_options, keep_option, output_option, target_options
from pyrometer.client.verbs.snap import locate
from pyrometer.client.watching import limits, watch


@click.command("watch")
@target_options(short_namespace=False, required=True)
@click.argument("function")
@call_options
@keep_option
@output_option("table", "jsonl")
def command(
    where: Where,
    function: str,
    condition: str,
    expressions: tuple[str, ...],
    hits: int,
    seconds: float,
    frames: int | None,
    values: bool,
    out: Path | None,
    output: str,
) -> int:
    """Show calls of a function when they end: arguments, result or exception, duration.

    FUNCTION is MODULE:FUNCTION (shop.cart:Cart.total, 'shop.db:*'). In --if and --expr there are the function's names
    as they are at the end of a call, and ret, exc and elapsed (seconds): --if 'elapsed > 0.05'.
    """
    from pyrometer.v1 import probe_pb2

    probe = locate(function)
    if not probe.HasField("function"):
        raise UsageFault(
            f"{function} is a line, and calls are of functions.",
            next="Write MODULE:FUNCTION (shop.cart:total); snap and log take lines.",
        )
    probe.watch.CopyFrom(probe_pb2.CallWatch(locals=values))
    probe.condition = condition
    probe.expressions.extend(expressions)
    probe.limits.CopyFrom(limits(hits, seconds, frames))
    return watch("watch", where, probe, output, out)
