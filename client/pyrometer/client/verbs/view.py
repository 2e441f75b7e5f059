"""`pyrometer view`: opens a saved profile or snapshot."""

from __future__ import annotations

import tempfile
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pyrometer.client import files, pages
from pyrometer.client.errors import ClientError
from pyrometer.client.quantities import LARGEST_PID, Count
from pyrometer.client.render.terminal import Style, colours, width

if TYPE_CHECKING:
    from pyrometer.client.profile.model import Profile
    from pyrometer.client.profile.selection import Selection

_SNAP = "pyrometer snap and catch write them: --out FILE.html, .json or .jsonl"
_RECORD = "pyrometer record writes one: -f html, speedscope, pprof or collapsed"


@click.command("view")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--text", is_flag=True, help="All of it here, as text: hottest functions, threads, heaviest ways.")
@click.option("--pid", type=Count(1, LARGEST_PID), metavar="PID", help="Only this process.")
@click.option("--thread", metavar="NAME", help="Only the threads of this name or id.")
@click.option(
    "-n", "--rows", type=Count(1, 1000), default=10, show_default=True, metavar="N", help="Hottest functions to list."
)
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Write the page there; open nothing.")
def command(file: Path, text: bool, pid: int | None, thread: str | None, rows: int, out: Path | None) -> int:
    """Open a saved profile or snapshot as a page in the browser: of record, snap, catch, py-spy and others."""
    if out is not None:
        files.check_writable(out)
    data = read_file(file)
    from pyrometer.client.profile.selection import Selection
    from pyrometer.client.snapshots import reading

    part = Selection(pid, thread)
    if reading.is_snapshot(data):
        return _view_snapshot(file, data, part, out, text=text)
    if pages.is_page(data) and pages.is_ours(data) and not (text or out or part.is_part):
        _open(file)
        return 0
    profile = part_of(profile_of(file, data), file, part)
    from pyrometer.client.verbs.record import print_cautions, print_profile

    print_profile(profile, rows)
    if text:
        _print_outline(profile)
    print_cautions(profile)
    if not text or out is not None:
        _view(profile, file, out)
    return 0


def _view_snapshot(file: Path, data: bytes, part: Selection, out: Path | None, *, text: bool) -> int:
    """Open a snapshot; as text, or where it is not a page yet, after having read it."""
    from pyrometer.client.snapshots import gathering, reading, selecting
    from pyrometer.client.snapshots.model import NotASnapshot

    gathering.check(out)
    if pages.is_page(data) and not (text or out or part.is_part):
        _open(file)
        return 0
    try:
        whole = selecting.part_of(reading.read(data), part.pid, part.thread)
    except ClientError as error:
        again = _SNAP if isinstance(error, NotASnapshot) else error.next
        raise type(error)(f"{file}: {error.message}.", next=again, reason=error.reason) from None
    if text:
        for line in selecting.lines(whole, Style(enabled=colours()), width()):
            click.echo(line)
    if out is not None or not text:
        _keep(gathering.encoded(whole, out.suffix if out else ".html"), file, out, "snapshot", private=True)
    return 0


def _print_outline(profile: Profile) -> None:
    from pyrometer.client.profile import outline

    style = Style(enabled=colours())
    for part in (outline.threads(profile), outline.ways(profile, style, width())):
        lines = list(part)
        for line in ["", *lines] if lines else []:
            click.echo(line)


def part_of(profile: Profile, file: Path, selection: Selection) -> Profile:
    """A part of the profile in a file. Raises ClientError, with the file's name in it."""
    try:
        return selection.of(profile)
    except ClientError as error:
        raise type(error)(f"{file}: {error.message}", next=error.next, reason=error.reason) from None


def profile_of(file: Path, data: bytes) -> Profile:
    """The profile in a file. Raises ClientError, with the file's name in it."""
    from pyrometer.client.profile import reading
    from pyrometer.client.profile.model import NotAProfile

    try:
        return reading.read(data)
    except NotAProfile as error:
        raise ClientError(f"{file}: {error.message}.", next=_RECORD, reason=error.reason) from None


def read_file(file: Path) -> bytes:
    """The whole file, as far as a profile may go: a device never ends. Raises ClientError."""
    from pyrometer.client.profile.model import MAX_BYTES

    try:
        with file.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise ClientError(f"{file} can't be read: {error.strerror}.", next=_RECORD) from None
    if len(data) > MAX_BYTES:
        raise ClientError(f"{file} is larger than a profile may be: {MAX_BYTES // 2**20} MiB.", next=_RECORD)
    return data


def _view(profile: Profile, file: Path, out: Path | None) -> None:
    from pyrometer.client.profile import flamegraph

    _keep(flamegraph.render(profile).encode("utf-8"), file, out, "flame graph")


def _keep(content: bytes, file: Path, out: Path | None, what: str, *, private: bool = False) -> None:
    """Write what was made of a file where it is to be, or write a page somewhere and open it."""
    page = out or Path(tempfile.mkdtemp(prefix="pyrometer-")) / f"{file.name.split('.')[0] or 'saved'}.html"
    files.write_whole(page, content, private=private)
    if out is None:
        _open(page)
    else:
        click.echo(f"» {what}: {page}     open it: pyrometer view {page}", err=True)


def _open(page: Path) -> None:
    """Open a page in the browser, or say where it is where there is none."""
    try:
        opened = webbrowser.open(page.resolve().as_uri())
    except webbrowser.Error:
        opened = False
    click.echo(f"» {'opened' if opened else 'no browser here; the page is'} {page.resolve()}", err=True)
