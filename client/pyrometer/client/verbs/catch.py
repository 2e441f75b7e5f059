"""`pyrometer catch`: a snapshot when an exception is raised."""

from __future__ import annotations

import click

from pyrometer.client.options import Where, output_option, probe_options, target_options
from pyrometer.client.watching import limits, watch


@click.command("catch")
@target_options(short_namespace=False, required=True)
@click.argument("exception")
@click.option("--in", "scope", default="", metavar="SCOPE", help="Modules that it passes: 'shop.*'.")
@probe_options
@output_option("table", "jsonl")
def command(
    where: Where,
    exception: str,
    scope: str,
    condition: str,
    expressions: tuple[str, ...],
    hits: int,
    seconds: float,
    frames: int | None,
    output: str,
) -> int:
    """Take a snapshot when an exception is raised, with every frame's values, whether or not somebody handles it.

    EXCEPTION is the name of a type, with or without its module; subclasses count.
    """
    from pyrometer.v1 import probe_pb2

    probe = probe_pb2.Probe(
        exception=probe_pb2.ExceptionLocation(type=exception, scope=scope),
        condition=condition,
        expressions=expressions,
        limits=limits(hits, seconds, frames),
    )
    return watch("catch", where, probe, output)
