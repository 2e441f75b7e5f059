"""The table of `ps`."""

from __future__ import annotations

import re
from typing import Any

from pyrometer.client.render.terminal import Style, columns, cut, escape

_HEADER = ["SERVICE", "PID", "UP", "PYTHON", "THREADS", "CPU", "MEMORY", "AGENT", "COMMAND"]
_RIGHT = frozenset({4, 5, 6})
_MULTIPROCESSING = re.compile(r" -c from multiprocessing\.(spawn|forkserver) import ")
"""How a worker of multiprocessing's is started, uvicorn's too: with a text that tells nobody anything."""


def table(processes: list[dict[str, Any]], style: Style, width: int) -> list[str]:
    """Lines of the table; a service's name stands once, at its first process."""
    rows = [_HEADER]
    last: object = object()
    for process in processes:
        rows.append(_row(process, same_service=process["service"] == last))
        last = process["service"]
    lines = [cut(line, width) for line in columns(rows, right=_RIGHT)]
    return [style.paint(lines[0], "bold"), *lines[1:]]


def duration(seconds: float) -> str:
    """Two units at most: `3h 12m`, `41m`, `12d 4h`, `8s`."""
    whole = int(seconds)
    for size, unit, next_size, next_unit in ((86400, "d", 3600, "h"), (3600, "h", 60, "m")):
        if whole >= size:
            return f"{whole // size}{unit} {whole % size // next_size}{next_unit}"
    return f"{whole // 60}m" if whole >= 60 else f"{whole}s"


def size(count: int) -> str:
    """Bytes as MiB, or GiB from 10 GiB on."""
    return f"{count / 2**30:.1f} GiB" if count >= 10 * 2**30 else f"{count / 2**20:.0f} MiB"


def _row(process: dict[str, Any], *, same_service: bool) -> list[str]:
    cpu = process["cpu_percent"]
    service = "" if same_service and process["service"] else process["service"] or "–"
    return [
        escape(service),
        str(process["pid"]),
        duration(process["uptime_seconds"]),
        escape(process["python"] or "–"),
        str(process["threads"]),
        "–" if cpu is None else f"{cpu:.1f} %",
        size(process["rss_bytes"]),
        process["agent"] or "–",
        escape(command(process["argv"])),
    ]


def command(argv: list[str]) -> str:
    """A command line without the folders of the interpreter and of its program; of multiprocessing's, whose it is."""
    if match := _MULTIPROCESSING.search(" ".join(argv)):
        return f"{argv[0].rpartition('/')[2]} (multiprocessing {match[1]})"
    words = [word.rpartition("/")[2] if index < 2 else word for index, word in enumerate(argv)]
    return " ".join(words)
