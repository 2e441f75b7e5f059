"""dump of asyncio's tasks, typed against services that wait in every way that there is."""

from __future__ import annotations

import pytest

from tests.support.schemas import validate
from tests.support.services import program, pyrometer

AWAITED = {
    "of direct": ["direct"],
    "of gathering 1": ["gathering"],
    "of gathering 2": ["gathering"],
    "of waiting": ["waiting"],
    "of waiting_for": ["waiting_for"],
    "of timing_out": ["timing_out"],
    "of grouping 1": ["grouping"],
    "of grouping 2": ["grouping"],
    "of shielding": ["shielding"],
}


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_the_tree_of_tasks_is_right(unique: str, loop: str) -> None:
    """gather, TaskGroup, wait, wait_for, timeout, shield and Lock, on every version, with either loop."""
    with program("awaiting", unique, loop):
        typed = pyrometer("dump", unique, "-o", "json")
        assert typed.code == 0, typed.err
        validate("dump", typed.document)
        (process,) = typed.document["processes"]
        tasks = {task["name"]: task for task in process["tasks"]}
        assert {name: task["awaited_by"] for name, task in tasks.items() if name.startswith("of ")} == AWAITED
        assert tasks["locked"]["waits_for"] == {"kind": "Lock", "owner": "holding"}
        assert [f["function"].rpartition(".")[2] for f in tasks["iterating"]["frames"]] == [
            *("sleep", "leaf", "numbers", "iterating")
        ]
        assert tasks["iterating"]["frames"][1]["source"] == "await asyncio.sleep(3600)"
        (found,) = process["event_loops"]
        assert (found["thread"], found["tasks"]) == ("MainThread", len(tasks))
        text = pyrometer("dump", unique, COLUMNS="100").out
        assert f"event loop of MainThread{' (uvloop)' if loop == 'uvloop' else ''}: {len(tasks)} tasks" in text
        (locked,) = [line for line in text.splitlines() if "─ locked " in line]
        assert locked.endswith("waits for Lock held by holding")


def test_fifty_thousand_tasks_are_bounded_and_counted(unique: str) -> None:
    """Fault 21: the answer is the agent's, has the task that awaits them all, and says how many there are."""
    with program("many_tasks", unique, "50000"):
        typed = pyrometer("dump", unique, "-o", "json")
        assert typed.code == 0, typed.err
        (process,) = typed.document["processes"]
        assert process["source"] == "agent"
        assert process["event_loops"][0]["tasks"] + process["tasks_left_out"] >= 50_001
        assert len(process["tasks"]) <= 1000
        assert len(process["tasks"]) + process["tasks_left_out"] == 50_001


@pytest.mark.once
def test_from_outside_tasks_are_null(unique: str) -> None:
    """There is none to tell of them; that is not the same as none."""
    with program("hold_gil", unique):
        (process,) = pyrometer("dump", unique, "-o", "json").document["processes"]
        assert (process["tasks"], process["event_loops"]) == (None, None)
