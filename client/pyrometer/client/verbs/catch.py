"""`pyrometer catch`: a snapshot when an exception is raised."""

from __future__ import annotations

import re
from pathlib import Path

import click

from pyrometer.client.errors import UsageFault
from pyrometer.client.options import Where, keep_option, output_option, probe_options, target_options
from pyrometer.client.watching import limits, watch

_TYPE = re.compile(r"[^\W\d][\w.<>]*")
_SCOPE = re.compile(r"[\w.*]*")


@click.command("catch")
@target_options(short_namespace=False, required=True)
@click.argument("exception")
@click.option("--in", "scope", default="", metavar="SCOPE", help="Modules that it passes: 'shop.*'.")
@click.option("--unhandled", is_flag=True, help="Only those that nobody handles.")
@probe_options
@keep_option
@output_option("table", "jsonl")
def command(
    where: Where,
    exception: str,
    scope: str,
    unhandled: bool,
    condition: str,
    expressions: tuple[str, ...],
    hits: int,
    seconds: float,
    frames: int | None,
    out: Path | None,
    output: str,
) -> int:
    """Take a snapshot when an exception is raised, with every frame's values, whether or not somebody handles it.

    EXCEPTION is the name of a type, with or without its module; subclasses count.
    """
    from pyrometer.v1 import probe_pb2

    _check_names(exception, scope)
    probe = probe_pb2.Probe(
        exception=probe_pb2.ExceptionLocation(type=exception, scope=scope),
        condition=condition,
        expressions=expressions,
        limits=limits(hits, seconds, frames),
        unhandled=unhandled,
    )
    return watch("catch", where, probe, output, out)


def _check_names(exception: str, scope: str) -> None:
    """Refuse what can't be a type's name or a module's: it would wait for ever. Raises UsageFault."""
    if not _TYPE.fullmatch(exception):
        raise UsageFault(
            f"{exception!r} is not the name of an exception type.",
            next="Write PaymentError or shop.errors.PaymentError; subclasses count, and Exception is nearly all.",
        )
    if not _SCOPE.fullmatch(scope):
        raise UsageFault(
            f"--in {scope!r} is not a module's name.", next="Write a package or a pattern: --in shop, --in 'shop.*'"
        )
