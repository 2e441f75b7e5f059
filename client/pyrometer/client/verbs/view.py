"""`pyrometer view`: opens a saved profile."""

from __future__ import annotations

import tempfile
import webbrowser
from pathlib import Path

import click

from pyrometer.client import files
from pyrometer.client.errors import ClientError


@click.command("view")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--text", is_flag=True, help="Only the ten hottest functions of a pprof file, here.")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Write the page there; open nothing.")
def command(file: Path, text: bool, out: Path | None) -> int:
    """Open a profile that `record` wrote: a page in the browser, or a pprof file turned into one."""
    data = _read(file)
    if data[:2] != b"\x1f\x8b" and data.lstrip()[:1] == b"<":
        if text or out:
            raise ClientError(f"{file} is a page already.", next=f"Open it: pyrometer view {file}")
        _open(file)
        return 0
    from pyrometer.client.profile import model
    from pyrometer.client.verbs.record import print_profile

    profile = model.read(data)
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
    try:
        return file.read_bytes()
    except OSError as error:
        raise ClientError(f"{file} can't be read: {error.strerror}") from None


def _open(page: Path) -> None:
    """Open a page in the browser, or say where it is where there is none."""
    try:
        opened = webbrowser.open(page.resolve().as_uri())
    except webbrowser.Error:
        opened = False
    click.echo(f"» {'opened' if opened else 'no browser here; the page is'} {page.resolve()}", err=True)
