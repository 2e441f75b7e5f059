"""`pyrometer diff`: what grew and what shrank between two profiles, or between two parts of one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pyrometer.client import documents, files
from pyrometer.client.errors import UsageFault
from pyrometer.client.options import output_option
from pyrometer.client.quantities import LARGEST_PID, Count
from pyrometer.client.render.terminal import Style, colours, escape, width
from pyrometer.client.verbs.view import part_of, profile_of, read_file

if TYPE_CHECKING:
    from pyrometer.client.profile.comparison import Change, Comparison
    from pyrometer.client.profile.model import Profile
    from pyrometer.client.profile.selection import Selection

_MOST_CHANGES = 100
"""Functions of the document."""


@click.command("diff")
@click.argument("before", metavar="A", type=click.Path(path_type=Path))
@click.argument("after", metavar="[B]", required=False, type=click.Path(path_type=Path))
@click.option(
    "--pid",
    "pids",
    type=Count(1, LARGEST_PID),
    multiple=True,
    metavar="PID",
    help="Only this process; twice: that of A, then that of B.",
)
@click.option(
    "--thread",
    "threads",
    multiple=True,
    metavar="NAME",
    help="Only the threads of this name or id; twice: those of A, then those of B.",
)
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Where to write the flame graph.")
@output_option("table", "json")
def command(
    before: Path, after: Path | None, pids: tuple[int, ...], threads: tuple[str, ...], out: Path | None, output: str
) -> int:
    """Compare two saved profiles: what grew, what shrank, and a flame graph of both.

    Without B, two processes or two threads of A are compared: --pid 4107 --pid 4108.
    """
    files.check_writable(out or Path("profile"))
    paths = (before, after or before)
    parts = _selections(pids, threads, same_file=after is None)
    comparison = _compare(paths, parts)
    from pyrometer.client.profile import flamegraph

    page = out or files.default_name(f"{comparison.after.service or 'profile'}-diff", ".html")
    files.write_whole(page, flamegraph.render_difference(comparison).encode("utf-8"))
    if output == "json":
        documents.print_json("diff", _document(comparison, paths, parts, page))
    else:
        _print(comparison, paths, parts, page)
    return 0


def _selections(pids: Sequence[int], threads: Sequence[str], *, same_file: bool) -> tuple[Selection, Selection]:
    """What of each side is meant. Raises UsageFault."""
    from pyrometer.client.profile.selection import Selection

    for option, values in (("--pid", pids), ("--thread", threads)):
        if len(values) > 2:
            raise UsageFault(f"{option} is given {len(values)} times, and there are two sides.")
    first, second = (
        Selection(pids[-1 if side else 0] if pids else None, threads[-1 if side else 0] if threads else None)
        for side in (0, 1)
    )
    if same_file and first == second:
        raise UsageFault(
            "a profile is compared with another one, or two parts of it with each other.",
            next="Name a second file, or two parts: --pid 4107 --pid 4108, or --thread MainThread --thread worker",
        )
    return first, second


def _compare(paths: tuple[Path, Path], parts: tuple[Selection, Selection]) -> Comparison:
    from pyrometer.client.profile.comparison import Comparison

    whole = profile_of(paths[0], read_file(paths[0]))
    other = whole if paths[0] == paths[1] else profile_of(paths[1], read_file(paths[1]))
    return Comparison(part_of(whole, paths[0], parts[0]), part_of(other, paths[1], parts[1]))


def _print(comparison: Comparison, paths: tuple[Path, Path], parts: tuple[Selection, Selection], page: Path) -> None:
    from pyrometer.client.profile import difference

    style = Style(enabled=colours())
    click.echo(style.paint(escape(difference.headline(comparison)), "bold"))
    if pace := difference.pace(comparison):
        click.echo(pace)
    click.echo("")
    names = [f"{path}{f', {part}' if str(part) else ''}" for path, part in zip(paths, parts, strict=True)]
    longest = max(map(len, names))
    for side, name, profile in zip(("before", "after"), names, (comparison.before, comparison.after), strict=True):
        click.echo(escape(f"{side:<6}   {name.ljust(longest)}   {difference.described(profile)}"))
    for line in difference.lines(comparison, style, width()):
        click.echo(line)
    for caution in difference.cautions(comparison):
        click.echo(f"» {escape(caution)}", err=True)
    click.echo(f"» flame graph of both: {page}     open it: pyrometer view {page}", err=True)


def _document(
    comparison: Comparison, paths: tuple[Path, Path], parts: tuple[Selection, Selection], page: Path
) -> documents.Document:
    from pyrometer.client.profile import difference

    sides = zip(paths, parts, (comparison.before, comparison.after), strict=True)
    before, after = (_side(path, part, profile) for path, part, profile in sides)
    return {
        "headline": difference.headline(comparison),
        "file": str(page),
        "before": before,
        "after": after,
        "changes": [
            _change(change) for change in comparison.changes[:_MOST_CHANGES] if change.grown or change.total_grown
        ],
        "cautions": list(difference.cautions(comparison)),
    }


def _side(path: Path, part: Selection, profile: Profile) -> documents.Document:
    return {
        "file": str(path),
        "pid": part.pid,
        "thread": part.thread,
        "service": profile.service or None,
        "kind": profile.kind,
        "unit": profile.unit,
        "total": profile.total,
        "samples": profile.count,
        "duration_seconds": profile.seconds or None,
    }


def _change(change: Change) -> documents.Document:
    return {
        "function": change.function,
        "file": change.file,
        "line": change.line or None,
        "self_percent_before": 100 * change.own[0],
        "self_percent_after": 100 * change.own[1],
        "self_points": 100 * change.grown,
        "total_percent_before": 100 * change.total[0],
        "total_percent_after": 100 * change.total[1],
        "total_points": 100 * change.total_grown,
        "noise_points": None if change.noise is None else 100 * change.noise,
        "certain": change.is_certain,
    }
