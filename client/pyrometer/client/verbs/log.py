"""`pyrometer log`: a log line at a line or function, live, of a service that was not asked to write one."""

from __future__ import annotations

from pathlib import Path

import click

from pyrometer.client.errors import UsageFault
from pyrometer.client.options import Where, force_option, keep_option, line_options, output_option, target_options
from pyrometer.client.verbs.snap import locate
from pyrometer.client.watching import limits, watch


@click.command("log")
@target_options(short_namespace=False, required=True)
@click.argument("place", metavar="WHERE")
@click.argument("template")
@line_options
@force_option
@keep_option
@output_option("table", "jsonl")
def command(
    where: Where,
    place: str,
    template: str,
    condition: str,
    hits: int,
    seconds: float,
    force: bool,
    out: Path | None,
    output: str,
) -> int:
    """Print a line each time a line or a function of the service is reached.

    WHERE is FILE:LINE (shop/cart.py:41) or MODULE:FUNCTION (shop.cart:Cart.total). TEMPLATE is text with expressions in
    braces: 'order {order.id} of {user.name!r}: {len(cart.items)} items'. Values are those before the line runs.
    """
    if not template.strip():
        raise UsageFault("the template is empty", next="Write one like: 'order {order.id}: {len(items)} items'")
    probe = locate(place)
    probe.condition = condition
    probe.template = template
    probe.force = force
    probe.limits.CopyFrom(limits(hits, seconds, None))
    return watch("log", where, probe, output, out)
