"""The text of `info`: a block a process, or with `--watch` a line a process and round."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from pyrometer.client.render.places import place
from pyrometer.client.render.processes import command, duration, size
from pyrometer.client.render.terminal import Style, cut, escape

Document = dict[str, Any]
_LABEL = 14
_UNKNOWN = "–"
_COLUMNS = (
    ("TIME", 8),
    ("PID", 7),
    ("CPU", 8),
    ("MEMORY", 9),
    ("THREADS", 7),
    ("FDS", 6),
    ("COLLECTED", 9),
    ("LOOP LAG", 9),
    ("THROTTLED", 9),
)
_WORTH_SAYING = 5.0
"""Per cent of a core for which it waited for a processor."""
_WORTH_A_LOOK = 0.1
"""Seconds of lag, or share of the periods, from which on a figure stands out."""


class MetricsText:
    """Renders rounds; with `rows`, each is compared with the one before."""

    def __init__(self, style: Style, width: int) -> None:
        self._style = style
        self._width = width
        self._before: dict[int, Document] = {}
        self._has_header = False

    def blocks(self, processes: list[Document]) -> Iterator[str]:
        """All that is known of each process."""
        for index, process in enumerate(processes):
            if index:
                yield ""
            title = f"{process['pid']}  {escape(command(process['argv']))}"
            service = f"{escape(process['service'])}  " if process["service"] else ""
            yield self._style.paint(cut(f"{service}{title}", self._width), "bold")
            for label, text in _facts(process):
                yield self._fact(label, text)

    def rows(self, processes: list[Document]) -> Iterator[str]:
        """One round, the header before the first."""
        if not self._has_header:
            self._has_header = True
            yield self._style.paint("  ".join(name.rjust(wide) for name, wide in _COLUMNS), "bold")
        for process in processes:
            cells = _cells(process, self._before.get(process["pid"]))
            yield "  ".join(cell.rjust(wide) for cell, (_, wide) in zip(cells, _COLUMNS, strict=True))
            self._before[process["pid"]] = process

    def _fact(self, label: str, text: str) -> str:
        """A label and what follows; what does not fit goes on below it."""
        room = max(20, self._width - _LABEL - 2)
        lines = _wrapped(text, room)
        rest = "".join(f"\n{'':{_LABEL + 2}}{line}" for line in lines[1:])
        return f"  {self._style.paint(f'{label:<{_LABEL}}', 'dim')}{lines[0]}{rest}"


def lag(seconds: float) -> str:
    """A lag: `12 ms`, `1.8 s`."""
    return f"{seconds:.1f} s" if seconds >= 1 else f"{1000 * seconds:.0f} ms"


def own_place(frames: list[Document]) -> str:
    """The innermost place of the service's own code: function, file and line; else the innermost; empty: no frame."""
    own = next((frame for frame in frames if frame["origin"] == "service"), frames[0] if frames else None)
    return f"{escape(own['function'])} ({escape(place(own))})" if own else ""


def _facts(process: Document) -> Iterator[tuple[str, str]]:
    reasons = process["reasons"]
    python = f"Python {escape(process['python'])}" if process["python"] else "Python"
    who = f"user {process['uid']}, started by {process['parent_pid']}"
    yield "", f"{python}, up {duration(process['uptime_seconds'])}, {who}, agent: {process['agent']}"
    yield "CPU", _cpu(process)
    yield "memory", _memory(process)
    yield "threads", str(process["threads"])
    yield "descriptors", _descriptors(process)
    yield "GC", _collector(process["gc"], reasons)
    yield "event loop", _loops(process["event_loops"], reasons)
    yield "probes", _not_known(reasons, "probes") if process["probes"] is None else str(process["probes"] or "none")
    yield "quota", _quota(process["cgroup"], reasons)
    yield "memory limit", _limit(process["cgroup"], reasons)


def _cpu(process: Document) -> str:
    used = process["cpu_percent"]
    now = "not measured" if used is None else f"{used:.1f} % of a core over {process['window_seconds']:.1f} s"
    if (process["cpu_delay_percent"] or 0.0) >= _WORTH_SAYING:
        now += f", ready and without a processor for {process['cpu_delay_percent']:.0f} %"
    if process["cpu_user_seconds"] is None or process["cpu_system_seconds"] is None:
        return now
    own, kernels = process["cpu_user_seconds"], process["cpu_system_seconds"]
    return f"{now}; since its start {own:.1f} s, and {kernels:.1f} s by the kernel"


def _memory(process: Document) -> str:
    parts = [size(process["rss_bytes"])]
    if process["peak_rss_bytes"] is not None:
        parts.append(f"at most {size(process['peak_rss_bytes'])} so far")
    if process["swap_bytes"]:
        parts.append(f"{size(process['swap_bytes'])} in swap")
    return ", ".join(parts)


def _descriptors(process: Document) -> str:
    if process["descriptors"] is None:
        return _not_known(process["reasons"], "descriptors")
    if process["descriptor_limit"] is None:
        return f"{process['descriptors']:,}"
    return f"{process['descriptors']:,} of {process['descriptor_limit']:,}"


def _collector(gc: Document | None, reasons: Document) -> str:
    if gc is None:
        return _not_known(reasons, "gc")
    by_generation = " + ".join(f"{count:,}" for count in gc["collections"])
    state = "" if gc["enabled"] else "switched off; "
    text = f"{state}{by_generation} collections (young to old), {gc['collected']:,} objects"
    if gc["uncollectable"]:
        text += f", {gc['uncollectable']:,} uncollectable"
    if gc["pause_seconds"] is not None:
        return f"{text}, {gc['pause_seconds']:.2f} s in all"
    return f"{text}; pauses {_not_known(reasons, 'gc.pause_seconds')}"


def _loops(loops: list[Document] | None, reasons: Document) -> str:
    if loops is None:
        return _not_known(reasons, "event_loops")
    return "; ".join(_loop(loop, reasons) for loop in loops) or "none"


def _loop(loop: Document, reasons: Document) -> str:
    busy = f"busy in {100 * loop['busy_share']:.0f} % of {loop['looks']} looks"
    if loop["lag_seconds"] is None:
        return f"{escape(loop['thread'])}: {busy}; lag {_not_known(reasons, 'event_loops.lag_seconds')}"
    where = own_place(loop["frames"])
    at = f" in {where}" if where and loop["lag_seconds"] >= _WORTH_A_LOOK else ""
    return f"{escape(loop['thread'])}: lag {lag(loop['lag_seconds'])}{at}, {busy}"


def _quota(cgroup: Document, reasons: Document) -> str:
    if cgroup["quota_cores"] is None:
        return _not_known(reasons, "cgroup.quota_cores", "none")
    text = f"{cgroup['quota_cores']:.2f} cores"
    if cgroup["throttled_share"] is not None:
        text += f", throttled in {100 * cgroup['throttled_share']:.0f} % of the periods"
    if cgroup["throttled_periods"] is not None and cgroup["periods"] is not None:
        text += f"; so far in {cgroup['throttled_periods']:,} of {cgroup['periods']:,}"
    if cgroup["throttled_seconds"] is not None:
        text += f", for {lag(cgroup['throttled_seconds'])}"
    return text


def _limit(cgroup: Document, reasons: Document) -> str:
    killed = cgroup["oom_kills"]
    kills = "" if killed is None else f"; {killed:,} processes killed for want of memory"
    if cgroup["memory_limit_bytes"] is None:
        return _not_known(reasons, "cgroup.memory_limit_bytes", "none") + kills
    used, limit = size(cgroup["memory_used_bytes"] or 0), size(cgroup["memory_limit_bytes"])
    return f"{used} of {limit} used, {size(cgroup['memory_left_bytes'] or 0)} left{kills}"


def _not_known(reasons: Document, name: str, word: str = "not known") -> str:
    why = reasons.get(name)
    return f"{word}: {escape(why)}" if why else word


def _cells(process: Document, before: Document | None) -> list[str]:
    cgroup = process["cgroup"]
    lags = [loop["lag_seconds"] for loop in process["event_loops"] or [] if loop["lag_seconds"] is not None]
    return [
        datetime.fromisoformat(process["time"]).astimezone().strftime("%H:%M:%S"),
        str(process["pid"]),
        _UNKNOWN if process["cpu_percent"] is None else f"{process['cpu_percent']:.1f} %",
        f"{process['rss_bytes'] / 2**20:.1f}M",
        str(process["threads"]),
        _UNKNOWN if process["descriptors"] is None else f"{process['descriptors']:,}",
        _collections_since(process, before),
        lag(max(lags)) if lags else _UNKNOWN,
        _UNKNOWN if cgroup["throttled_share"] is None else f"{100 * cgroup['throttled_share']:.0f} %",
    ]


def _collections_since(process: Document, before: Document | None) -> str:
    """Collections since the line before, of all generations; at first nothing is known."""
    if before is None or before["gc"] is None or process["gc"] is None:
        return _UNKNOWN
    return f"{sum(process['gc']['collections']) - sum(before['gc']['collections']):,}"


def _wrapped(text: str, room: int) -> list[str]:
    """Text in lines of so many columns, broken at spaces where that can be."""
    import textwrap

    return textwrap.wrap(text, room, break_on_hyphens=False) or [""]
