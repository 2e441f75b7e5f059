"""Profiles that several tests use."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from pyrometer.client.profile.model import Function, Process, Profile, Sample, Thread
from pyrometer.client.profile.paths import Origin

MAIN, HOT, LOADS, RUN = range(4)

Seen = Counter[tuple[int, str, tuple[str, ...]]]


def profile(hot: str = "hot") -> Profile:
    """A profile of two processes: 60 % of it in one function, under `main`, under a library's `run`."""
    return Profile(
        kind="cpu",
        unit="nanoseconds",
        functions=(
            Function("main", "/srv/shop/app.py", Origin.SERVICE),
            Function(hot, "/srv/shop/pricing.py", Origin.SERVICE),
            Function("loads", "/opt/odd/json/decoder.py", Origin.STDLIB),
            Function("run", "/usr/lib/python3.11/site-packages/flask/app.py", Origin.LIBRARY),
        ),
        processes=(Process(4107, "shop", "gunicorn: worker"), Process(4108, "shop", "")),
        threads=(Thread(0, "MainThread", 4107), Thread(1, "", 4109)),
        samples=(
            Sample(((HOT, 80), (MAIN, 12), (RUN, 9)), 0, 50_000, 5),
            Sample(((HOT, 81), (MAIN, 12), (RUN, 9)), 0, 10_000, 1),
            Sample(((LOADS, 343), (MAIN, 13), (RUN, 9)), 1, 30_000, 3),
            Sample(((HOT, 80), (HOT, 80), (LOADS, 340)), 1, 10_000, 1),
        ),
        began=1_790_000_000.0,
        seconds=10.0,
        notes={"service": "shop", "source": "outside", "rate": "98", "rate_asked": "100", "missed": "0"},
    )


def of_others() -> Profile:
    """One that another program measured, which says little of itself."""
    sample = Sample(((HOT, 0), (MAIN, 0)), 0, 3, 0)
    whole = profile()
    return replace(
        whole,
        kind="allocated",
        unit="bytes",
        processes=(Process(0, "", ""),),
        threads=(Thread(0, "", 0),),
        samples=(sample, replace(sample, frames=((MAIN, 0),), value=4)),
        began=0.0,
        seconds=0.0,
        notes={},
    )


def seen(found: Profile, *, counts: bool = False) -> Seen:
    """What each stack, outermost first, of a process's thread has together."""
    values: Seen = Counter()
    for sample in found.samples:
        thread = found.threads[sample.thread]
        stack = tuple(found.functions[function].name for function, _ in reversed(sample.frames))
        values[found.processes[thread.process].pid, thread.name, stack] += sample.count if counts else sample.value
    return values
