"""What the interpreter counts of itself."""

from __future__ import annotations

import gc
import sys

from pyrometer.agent.vitals import armed, collector
from pyrometer.link.model import ProbeCounters


def test_the_collectors_figures_are_the_interpreters() -> None:
    """By generation, and summed up; nothing is left in gc.callbacks."""
    before, callbacks = collector(), list(gc.callbacks)
    gc.collect()
    after = collector()
    assert after["collections"][2] > before["collections"][2]
    assert (after["enabled"], len(after["counts"])) == (gc.isenabled(), 3)
    assert gc.callbacks == callbacks


def test_pauses_are_known_where_the_interpreter_counts_them() -> None:
    """From 3.15 on; before that nothing is guessed."""
    pause = collector()["pause"]
    assert (pause is not None) == (sys.version_info >= (3, 15))


def test_probes_that_are_over_are_not_counted() -> None:
    """A probe stays listed until its owner lets go of it."""
    states = ("PENDING", "ARMED", "PAUSED", "DONE", "EXPIRED", "FAILED")
    assert armed([ProbeCounters("p", "w", "", state, "", "") for state in states]) == 3
