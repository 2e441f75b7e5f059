"""`pyrometer record`: a sampling profile of all processes of a service, and a flame graph of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pyrometer.client import documents, files
from pyrometer.client.errors import UsageFault
from pyrometer.client.options import Where, output_option, target_options
from pyrometer.client.quantities import Count, Duration, typed
from pyrometer.client.render import failures
from pyrometer.client.render.terminal import Style, colours, escape, width
from pyrometer.client.session import open_look

if TYPE_CHECKING:
    from pyrometer.client.profile.hottest import Row
    from pyrometer.client.profile.model import Profile
    from pyrometer.client.recording import Taken

_SUFFIXES = {"html": ".html", "speedscope": ".speedscope.json", "pprof": ".pb.gz", "collapsed": ".collapsed.txt"}
_READERS = {
    "speedscope": "or open it with speedscope",
    "pprof": "or go tool pprof {path}",
    "collapsed": "or draw it: flamegraph.pl {path}",
}
"""What else reads a format."""
_LONGEST = 600.0
_COST = (
    "--pause stops the process at each look, all its threads together, for about a millisecond and more with many "
    "threads; what it serves waits meanwhile"
)


@click.command("record")
@target_options()
@click.option(
    "-d", "--duration", "seconds", type=Duration(_LONGEST), default="10s", show_default=True, help="How long."
)
@click.option(
    "-r", "--rate", type=Count(1, 1000), default=100, show_default=True, metavar="N", help="Samples a second."
)
@click.option("--mode", type=click.Choice(["cpu", "wall", "gil"]), help="Which moments count; cpu where it can be.")
@click.option("--source", type=click.Choice(["agent", "outside"]), help="Where to read; outside where permitted.")
@click.option("--tasks", is_flag=True, help="Asyncio's tasks, waiting ones too, instead of threads; by the agent.")
@click.option("--native", is_flag=True, help="Native frames too, from outside; only with --pause.")
@click.option("--pause", is_flag=True, help="Stop the process at each look, as --native needs.")
@click.option(
    "-f",
    "--format",
    "form",
    type=click.Choice([*_SUFFIXES]),
    default="html",
    show_default=True,
    help="What to write.",
)
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Where to write it.")
@output_option("table", "json")
def command(
    where: Where,
    seconds: float,
    rate: int,
    mode: str | None,
    source: str | None,
    tasks: bool,
    native: bool,
    pause: bool,
    form: str,
    out: Path | None,
    output: str,
) -> int:
    """Sample all processes of a service into one profile: a flame graph, and the ten hottest functions here.

    Ctrl-C ends it early and keeps what there is.
    """
    files.check_writable(out or Path("profile"))
    _check_pause(native=native, pause=pause, source=source)
    _check_tasks(tasks=tasks, native=native, mode=mode, source=source)
    from pyrometer.client.profile import reading
    from pyrometer.client.recording import Recorder, start_message

    start = start_message(where, seconds, rate, mode, source, native=native, tasks=tasks)
    with open_look(where) as look:
        taken = Recorder(start).record(look)

    profile = reading.read(taken.data)
    path = out or files.default_name(profile.service, _SUFFIXES[form])
    files.write_whole(path, _content(profile, taken, form))
    if output == "json":
        documents.print_json("record", _document(profile, taken, path, form))
    else:
        _print(profile, taken, path, form, native=native)
    return 0


def _check_pause(*, native: bool, pause: bool, source: str | None) -> None:
    """Say what it costs to stop a process, or raise UsageFault: who asks for native frames must say that it may be."""
    if native and source == "agent":
        raise UsageFault("the agent's sampler sees Python's frames only.", next="--native is for --source outside")
    if native and not pause:
        raise UsageFault(
            "native frames are read while the process stands still: it is stopped at each look.",
            next="If it may be: --native --pause",
        )
    if pause and not native:
        raise UsageFault(
            "--pause is for --native: without native frames nothing has to be stopped.", next="Leave it out"
        )
    if native:
        click.echo(f"» {_COST}", err=True)


def _check_tasks(*, tasks: bool, native: bool, mode: str | None, source: str | None) -> None:
    """Tasks are what only the agent sees. Raises UsageFault."""
    if tasks and (native or source == "outside"):
        raise UsageFault("tasks are seen from inside only, by the agent.", next="Leave --source and --native out")
    if tasks and mode not in (None, "wall"):
        raise UsageFault(
            f"tasks count all the time that they last, so their mode is wall, not {mode}.", next="Leave --mode out"
        )


def _content(profile: Profile, taken: Taken, form: str) -> bytes:
    from pyrometer.client.profile import collapsed, flamegraph, speedscope

    if form == "pprof":
        return taken.data
    if form == "speedscope":
        return speedscope.write(profile)
    if form == "collapsed":
        return collapsed.write(profile)
    return flamegraph.render(profile).encode("utf-8")


def _document(profile: Profile, taken: Taken, path: Path, form: str) -> documents.Document:
    from pyrometer.client.profile import hottest

    summary = taken.summary
    return {
        "service": profile.service or None,
        "pids": list(summary.pids),
        "file": str(path),
        "format": form,
        "source": documents.enum(summary, "source", "SOURCE_"),
        "reason": summary.reason or None,
        "mode": documents.enum(summary, "mode", "PROFILE_MODE_"),
        "rate": summary.rate,
        "rate_asked": summary.rate_asked,
        "native": summary.paused,
        "tasks": summary.tasks,
        "samples": summary.samples,
        "missed": summary.missed,
        "duration_seconds": summary.duration.ToMicroseconds() / 1e6,
        "own_cpu_seconds": summary.own_cpu_seconds,
        "hottest": [hottest.document(row) for row in _hottest(profile)],
        "errors": [documents.error(error) for error in summary.errors],
    }


def _print(profile: Profile, taken: Taken, path: Path, form: str, *, native: bool) -> None:
    print_profile(profile)
    warn(profile)
    if taken.summary.paused:
        spent, whole = taken.summary.own_cpu_seconds, taken.summary.duration.ToMicroseconds() / 1e6
        click.echo(f"» the process was stopped at each look; looking took {spent:.2f} s of {whole:.1f} s", err=True)
    elif native:
        click.echo("» the server over there is older: there are no native frames, and nothing was stopped", err=True)
    if taken.summary.reason:
        click.echo(f"» {escape(taken.summary.reason)}", err=True)
    for line in failures.lines([documents.error(error) for error in taken.summary.errors]):
        click.echo(line, err=True)
    if form == "html":
        click.echo(f"» flame graph: {path}     open it: pyrometer view {path}", err=True)
    else:
        other = _READERS[form].format(path=path)
        click.echo(f"» profile: {path}     look at it: pyrometer view {path}, {other}", err=True)


def _hottest(profile: Profile, rows: int = 10) -> list[Row]:
    """The hottest functions; of tasks those with what they await: by themselves they all wait in asyncio's own."""
    from pyrometer.client.profile import hottest

    return hottest.rows(profile, rows, by_total="tasks" in profile.notes)


def warn(profile: Profile) -> None:
    """What to know before one believes the figures, and what helps, on stderr."""
    if print_cautions(profile) and profile.seconds < _LONGEST / 2:
        click.echo(f"» for more samples record longer: -d {typed(2 * max(15.0, round(2 * profile.seconds)))}", err=True)


def print_cautions(profile: Profile) -> bool:
    """What to know before one believes the figures, on stderr; whether there is any of that."""
    from pyrometer.client.profile import table

    cautions = list(table.cautions(profile))
    for caution in cautions:
        click.echo(f"» {escape(caution)}", err=True)
    return bool(cautions)


def print_profile(profile: Profile, rows: int = 10) -> None:
    """The summary and the hottest functions, on stdout."""
    from pyrometer.client.profile import table

    click.echo(escape(table.summary(profile)))
    click.echo("")
    for line in table.lines(profile, _hottest(profile, rows), Style(enabled=colours()), width()):
        click.echo(line)
