"""`pyrometer ps`: the processes that can be looked into."""

from __future__ import annotations

import click

from pyrometer.client import documents
from pyrometer.client.options import Where, output_option, target_options
from pyrometer.client.render import failures, processes
from pyrometer.client.render.terminal import Style, colours, width
from pyrometer.client.session import open_look


@click.command("ps")
@target_options()
@click.option("--agents", is_flag=True, help="Leave out Python processes that run without the agent.")
@output_option("table", "json")
def command(where: Where, agents: bool, output: str) -> int:
    """List the processes that can be looked into.

    Those with the agent by service, then other Python processes: dump and record work for them too, values do not.
    """
    with open_look(where) as look:
        from pyrometer.v1 import process_service_pb2 as messages  # the server has been started, and imports too

        request = messages.ListProcessesRequest(service=where.service, pids=where.pids, without_agent=not agents)
        answer = look.call("ListProcesses", request, timeout=20)
    document = {
        "processes": [documents.process(process) for process in answer.processes],
        "errors": [documents.error(error) for error in answer.errors],
    }
    if output == "json":
        documents.print_json("ps", document)
    else:
        _print_table(document)
    return 0


def _print_table(document: documents.Document) -> None:
    found = document["processes"]
    if not found:
        click.echo("» no Python process runs here. Start one: pyrometer run -- CMD", err=True)
        return
    for line in processes.table(found, Style(enabled=colours()), width()):
        click.echo(line)
    bare = [process["pid"] for process in found if process["agent"] == "none"]
    if bare:
        runs = "runs" if len(bare) == 1 else "run"
        click.echo(f"» {failures.few(bare)} {runs} without the agent: dump and record work, values do not.", err=True)
    for line in failures.lines(document["errors"]):
        click.echo(line, err=True)
