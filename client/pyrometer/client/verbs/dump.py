"""`pyrometer dump`: the stacks of all threads."""

from __future__ import annotations

import click

from pyrometer.client import documents
from pyrometer.client.errors import ClientError
from pyrometer.client.options import Where, output_option, target_options
from pyrometer.client.render import failures
from pyrometer.client.render.stacks import StackText
from pyrometer.client.render.terminal import Style, colours, width
from pyrometer.client.session import from_detail, open_look
from pyrometer.client.targets import LocalTarget

_HOT = 10.0
"""Per cent of a core from which on a profile is worth taking."""


@click.command("dump")
@target_options()
@click.option("--all", "every_frame", is_flag=True, help="All frames; else those of libraries are folded.")
@click.option("--locals", "values", is_flag=True, help="The variables of each frame, bounded, secrets withheld.")
@click.option("--native", is_flag=True, help="Frames of native code too; needs --pause.")
@click.option("--pause", is_flag=True, help="Allow --native to stop the process while its native stacks are read.")
@output_option("table", "json")
def command(where: Where, every_frame: bool, values: bool, native: bool, pause: bool, output: str) -> int:
    """Print the stacks of all threads, busiest first.

    It looks twice, 0.2 s apart: so it knows who used a processor, and who has not moved.
    """
    _heed_price(native=native, pause=pause)
    with open_look(where) as look:
        from pyrometer.v1 import stack_service_pb2 as messages  # the server has been started, and imports too

        request = messages.DumpStacksRequest(
            service=where.service, pids=where.pids, locals=values, native=native, pause=pause
        )
        answers = list(look.call("DumpStacks", request, timeout=30))
    found = sorted((a.process for a in answers if a.HasField("process")), key=lambda process: process.pid)
    failed = [answer.error for answer in answers if answer.HasField("error")]
    if not found:
        raise from_detail(failed[0].error) if failed else ClientError("nothing was there to dump")
    document = {
        "processes": [documents.stacks(process) for process in found],
        "errors": [documents.error(error) for error in failed],
    }
    if output == "json":
        documents.print_json("dump", document)
    else:
        _print_text(document, where, every_frame=every_frame, values=values)
    return 0


def _heed_price(*, native: bool, pause: bool) -> None:
    """Refuse one flag without the other. Raises click.UsageError."""
    if native and not pause:
        raise click.UsageError(
            "--native reads C stacks, and the process stands still meanwhile, some milliseconds to some tenths of a"
            " second. If that is right, add --pause."
        )
    if pause and not native:
        raise click.UsageError("--pause is for --native alone: nothing else stops the process")


def _print_text(document: documents.Document, where: Where, *, every_frame: bool, values: bool) -> None:
    text = StackText(Style(enabled=colours()), width(), every_frame=every_frame)
    for line in text.lines(document["processes"]):
        click.echo(line)
    for line in failures.lines(document["errors"]):
        click.echo(line, err=True)
    hints = _hints(document["processes"], where, every_frame=every_frame, values=values)
    if hints:
        click.echo(f"» {'        '.join(hints)}", err=True)


def _hints(processes: list[documents.Document], where: Where, *, every_frame: bool, values: bool) -> list[str]:
    """What to type next."""
    hints = []
    busiest = max(processes, key=lambda process: process["cpu_percent"] or 0.0)
    if (busiest["cpu_percent"] or 0.0) >= _HOT and isinstance(where.target, LocalTarget):
        hints.append(f"next: pyrometer record {busiest['pid']}")
    hints += [] if every_frame else ["all frames: --all"]
    return hints if values else [*hints, "values: --locals"]
