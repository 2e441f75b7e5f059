"""Who holds the GIL, of real processes: read from outside while the agent's thread is parked."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.schemas import validate
from tests.support.services import program, pyrometer, until

pytestmark = pytest.mark.needs("py-spy")


def seen(service: str) -> dict[str, Any]:
    """The threads of a service's one process by name, if its agent answered."""
    typed = pyrometer("dump", service, "-o", "json")
    assert typed.code == 0, typed.err
    validate("dump", typed.document)
    (stacks,) = typed.document["processes"]
    return {thread["name"]: thread for thread in stacks["threads"]} if stacks["source"] != "outside" else {}


def test_a_thread_that_runs_python_all_the_time_holds_it(unique: str) -> None:
    """In most of the readings; whoever waits does not."""
    with program("spinner", unique):
        threads = until(lambda: seen(unique), "the agent answers")
        assert {name: thread["holds_gil"] for name, thread in threads.items()} == {
            "spinner": True,
            "rester": False,
            "MainThread": False,
        }
        assert threads["spinner"]["gil_percent"] > 50
        assert threads["rester"]["gil_percent"] == 0


def test_nobody_holds_it_in_an_idle_process(unique: str) -> None:
    """That is known too, and not the same as not knowing."""
    with program("idle", unique):
        threads = until(lambda: seen(unique), "the agent answers")
        assert {thread["holds_gil"] for thread in threads.values()} == {False}
