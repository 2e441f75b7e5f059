"""Made-up observations for the tests of the rules: documents as `dump` and `info` print them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from pyrometer.client.findings.commands import Commands
from pyrometer.client.findings.observation import Observations
from pyrometer.client.options import Where
from pyrometer.client.targets import LocalTarget, RemoteOptions

Document = dict[str, Any]
LOOKS = 10
COMMANDS = Commands(Where(LocalTarget("shop"), RemoteOptions()))


def frame(function: str, line: int = 10, file: str = "/srv/shop/app.py", origin: str = "service") -> Document:
    """A frame without values."""
    return {"function": function, "file": file, "line": line, "module": "app", "source": None, "origin": origin}


MAIN = frame("main", 99)
SELECT = frame("EpollSelector.select", 468, "/usr/lib/python3.11/selectors.py", "stdlib")
FOREVER = frame("BaseEventLoop.run_forever", 607, "/usr/lib/python3.11/asyncio/base_events.py", "stdlib")


def thread(name: str, *frames: Document, os_id: int = 0, cpu: float = 0.0, **more: object) -> Document:
    """A thread that waits and has not moved."""
    return {
        "name": name,
        "os_id": os_id or sum(map(ord, name)),
        "state": "waiting",
        "cpu_percent": cpu,
        "moved": False,
        "holds_gil": None,
        "waits_for": None,
        "frames": list(frames) or [MAIN],
        "frames_left_out": 0,
        **more,
    }


def stacks(pid: int, *threads: Document, source: str = "agent", deadlocks: list[list[str]] | None = None) -> Document:
    """A process in one look."""
    return {
        "pid": pid,
        "service": "shop",
        "argv": ["python", "app.py"],
        "source": source,
        "reason": None,
        "cpu_percent": sum(each["cpu_percent"] for each in threads),
        "threads": list(threads),
        "threads_left_out": 0,
        "deadlocks": deadlocks or [],
    }


def loop(lag: float | None, busy: float = 0.0, function: str = "parse", thread: str = "MainThread") -> Document:
    """A loop in one round."""
    frames = [frame(function, 30)] if lag or busy else []
    return {"thread": thread, "os_id": 7, "lag_seconds": lag, "busy_share": busy, "looks": 40, "frames": frames}


def usage(pid: int, at: float = 0.0, *, rss: int = 40 * 2**20, parent: int = 1, **more: Any) -> Document:
    """A process in one round, `at` seconds from the beginning."""
    group = {
        "quota_cores": None,
        "periods": None,
        "throttled_periods": None,
        "throttled_seconds": None,
        "throttled_share": None,
        "memory_limit_bytes": None,
        "memory_used_bytes": None,
        "memory_left_bytes": None,
        "oom_kills": 0,
    }
    return {
        "pid": pid,
        "service": "shop",
        "argv": ["python", "app.py"],
        "parent_pid": parent,
        "cpu_percent": 0.0,
        "cpu_delay_percent": 0.0,
        "rss_bytes": rss,
        "time": (datetime(2026, 11, 24, tzinfo=UTC) + timedelta(seconds=at)).isoformat(),
        "descriptors": 10,
        "descriptor_limit": 1000,
        "gc": {"collections": [5, 2, 1], "pause_seconds": None},
        "event_loops": [],
        **more,
        "cgroup": {**group, **more.get("cgroup", {})},
    }


def seen(
    *processes: Document, rounds: list[list[Document]] | None = None, looks: int = LOOKS, seconds: float = 8.0
) -> Observations:
    """The same processes in all looks, and some rounds."""
    return Observations(seconds, tuple(list(processes) for _ in range(looks)), tuple(rounds or ()))
