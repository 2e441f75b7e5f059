"""Keeps what a probe delivers for a file, which is written when the probe is over: whole, or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Self

import click

from pyrometer.client import files
from pyrometer.client.errors import UsageFault
from pyrometer.client.snapshots.model import MAX_BYTES, Snapshot

Document = dict[str, Any]
SUFFIXES = (".html", ".json", ".jsonl")


def check(out: Path | None) -> None:
    """See that `--out` names a form that there is, and a file that can be written. Raises ClientError."""
    if out is None:
        return
    if out.suffix not in SUFFIXES:
        raise UsageFault(
            f"--out {out}: by its name it is none of {', '.join(SUFFIXES)}.",
            next=f"{out.with_suffix('.html')} is a page, .json and .jsonl are for programs",
        )
    files.check_writable(out)


class Gathering:
    """Takes events, and writes them to one file. Use it as a context: what had come is kept, however it ends."""

    def __init__(self, verb: str, command: str, service: str, out: Path | None) -> None:
        self._verb, self._command, self._service, self._out = verb, command, service, out
        self._events: list[Document] = []
        self._room = MAX_BYTES
        self._hits = 0
        self._left_out = 0

    def take(self, event: Document) -> None:
        """Keep one event, as far as there is room."""
        if self._out is None:
            return
        size, is_hit = len(json.dumps(event)), event["event"] == "hit"
        if size > self._room:
            self._left_out += is_hit
            return
        self._room -= size
        self._hits += is_hit
        self._events.append(event)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Write the file, where anything came."""
        if self._out is None or not self._hits:
            return
        whole = Snapshot(self._verb, self._command, self._service, tuple(self._events), self._left_out)
        files.write_whole(self._out, encoded(whole, self._out.suffix), private=True)
        left_out = f"; {self._left_out:,} hits had no room in it" if self._left_out else ""
        what = "page" if self._out.suffix == ".html" else "events"
        click.echo(f"» {what}: {self._out}{left_out}     open it: pyrometer view {self._out}", err=True)


def encoded(whole: Snapshot, suffix: str) -> bytes:
    """A snapshot in the form that a file's name asks for."""
    if suffix == ".html":
        from pyrometer.client.snapshots import page

        return page.render(whole).encode("utf-8")
    if suffix == ".json":
        return (json.dumps(whole.document()) + "\n").encode("utf-8")
    return "".join(f"{json.dumps(line)}\n" for line in whole.lines()).encode("utf-8")
