"""`pyrometer view`: opens a saved profile."""

from __future__ import annotations

import tempfile
import webbrowser
from pathlib import Path

import click

from pyrometer.client import files
from pyrometer.client.errors import ClientError

_GZIP = b"\x1f\x8b"
_PAGE_MARK = b'<meta name="generator" content="pyrometer">'
"""In the head of each of our pages: another page is the browser's business."""
_HEAD = 4096
_RECORD = "pyrometer record writes one: -f html, or -f pprof"


@click.command("view")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--text", is_flag=True, help="Only the ten hottest functions of a pprof file, here.")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Write the page there; open nothing.")
def command(file: Path, text: bool, out: Path | None) -> int:
    """Open a profile that `record` wrote: a page in the browser, or a pprof file turned into one."""
    if out is not None:
        files.check_writable(out)
    data = _read(file)
    if data[:2] != _GZIP and data.lstrip()[:1] == b"<":
        _view_page(file, data, asked_for_more=text or out is not None)
        return 0
    from pyrometer.client.profile import model
    from pyrometer.client.verbs.record import print_profile

    try:
        profile = model.read(data)
    except model.NotAProfile as error:
        raise ClientError(f"{file}: {error.message}.", next=_RECORD, reason=error.reason) from None
    print_profile(profile)
    if text:
        return 0
    from pyrometer.client.profile import flamegraph

    page = out or Path(tempfile.mkdtemp(prefix="pyrometer-")) / f"{file.name.split('.')[0]}.html"
    files.write_whole(page, flamegraph.render(profile).encode("utf-8"))
    if out is None:
        _open(page)
    else:
        click.echo(f"» flame graph: {page}", err=True)
    return 0


def _read(file: Path) -> bytes:
    """The whole file, as far as a profile may go: a device never ends."""
    from pyrometer.client.profile.model import MAX_BYTES

    try:
        with file.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise ClientError(f"{file} can't be read: {error.strerror}.", next=_RECORD) from None
    if len(data) > MAX_BYTES:
        raise ClientError(f"{file} is larger than a profile may be: {MAX_BYTES // 2**20} MiB.", next=_RECORD)
    return data


def _view_page(file: Path, data: bytes, *, asked_for_more: bool) -> None:
    if _PAGE_MARK not in data[:_HEAD]:
        raise ClientError(f"{file} is a page, and none that pyrometer wrote.", next=_RECORD, reason="NOT_A_PROFILE")
    if asked_for_more:
        raise ClientError(f"{file} is a page already.", next=f"Open it: pyrometer view {file}")
    _open(file)


def _open(page: Path) -> None:
    """Open a page in the browser, or say where it is where there is none."""
    try:
        opened = webbrowser.open(page.resolve().as_uri())
    except webbrowser.Error:
        opened = False
    click.echo(f"» {'opened' if opened else 'no browser here; the page is'} {page.resolve()}", err=True)
