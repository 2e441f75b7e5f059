"""`pyrometer probes`: what is armed, by whom, what it costs, and why it has not fired."""

from __future__ import annotations

import click

from pyrometer.client import documents
from pyrometer.client.errors import NotFound, UsageFault
from pyrometer.client.options import Where, output_option, target_options
from pyrometer.client.render import failures
from pyrometer.client.render.probes import lines
from pyrometer.client.render.terminal import Style, colours, width
from pyrometer.client.session import open_look


@click.command("probes")
@target_options()
@click.option("--rm", "removed", multiple=True, metavar="ID", help="Remove this probe, whoever armed it.")
@output_option("table", "json")
def command(where: Where, removed: tuple[str, ...], output: str) -> int:
    """List what is armed: by whom, what it costs, and why it has not fired."""
    if removed:
        return _remove(where, list(removed))
    from pyrometer.v1 import probe_service_pb2 as messages

    with open_look(where) as look:
        answer = look.call("ListProbes", messages.ListProbesRequest(service=where.service, pids=where.pids), timeout=20)
    probes = [documents.status(probe) for probe in answer.probes]
    errors = [documents.error(error) for error in answer.errors]
    if output == "json":
        documents.print_json("probes", {"probes": probes, "errors": errors})
        return 0
    _print(probes)
    for line in failures.lines(errors):
        click.echo(line, err=True)
    return 0


def _remove(where: Where, ids: list[str]) -> int:
    if where.pids:
        raise UsageFault("a probe is removed from all processes of its service.", next="Leave the pid out.")
    from pyrometer.v1 import probe_service_pb2 as messages

    with open_look(where) as look:
        request = messages.CloseProbesRequest(probe_ids=ids, service=where.service)
        gone = list(look.call("CloseProbes", request, timeout=20).probe_ids)
    if not gone:
        raise NotFound(
            f"no probe {', '.join(ids)} is armed.", next="pyrometer probes lists them", reason="NO_SUCH_PROBE"
        )
    click.echo(f"» removed {', '.join(gone)}", err=True)
    return 0


def _print(probes: list[documents.Document]) -> None:
    if not probes:
        click.echo("» nothing is armed", err=True)
    for line in lines(probes, Style(enabled=colours()), width()):
        click.echo(line)
