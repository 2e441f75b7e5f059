"""dump of asyncio's tasks, typed against services that wait in every way that there is."""

from __future__ import annotations

import os
from pathlib import Path

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


def test_locals_of_threads_and_tasks(unique: str) -> None:
    """`--locals`: the values of every frame, secrets withheld, and a line on the service's stderr for the owner."""
    with program("awaiting", unique) as process:
        typed = pyrometer("dump", unique, "--locals", "-o", "json")
        assert typed.code == 0, typed.err
        validate("dump", typed.document)
        (found,) = typed.document["processes"]
        assert found["locals_reason"] is None
        tasks = {task["name"]: task for task in found["tasks"]}
        assert tasks["secretive"]["frames"][-1]["locals"] == {
            "number": {"type": "int", "kind": "int", "value": 7},
            "api_token": {"type": "str", "kind": "redacted", "why": "name"},
        }
        (main,) = [thread for thread in found["threads"] if thread["name"] == "MainThread"]
        assert main["frames"][-1]["locals"]  # all of them only where the time that they may take allows it
        text = pyrometer("dump", unique, "--locals").out
        assert "number     7" in text
        process.kill()
        assert process.stderr
        said = process.stderr.read()
        assert "frames of tasks read by uid" in said
        assert "hunter2" not in said + text


@pytest.mark.once
def test_locals_need_the_role_that_reads_values(unique: str, policy: Path) -> None:
    """Refused as a policy refuses, and stacks are there without."""
    policy.write_text(f'[roles]\n"uid:{os.getuid()}" = "view"\n')
    with program("awaiting", unique):
        typed = pyrometer("dump", unique, "--locals")
        assert (typed.code, typed.out) == (7, "")
        assert "this needs inspect" in typed.err
        assert pyrometer("dump", unique).code == 0


@pytest.mark.once
def test_from_outside_there_are_no_values(unique: str) -> None:
    """They are null, the exit code is 0, and it is said why."""
    with program("hold_gil", unique):
        typed = pyrometer("dump", unique, "--locals", "-o", "json")
        (process,) = typed.document["processes"]
        assert typed.code == 0
        assert all(frame["locals"] is None for thread in process["threads"] for frame in thread["frames"])
        assert "by the agent only" in process["locals_reason"]
        assert "without values: values are read by the agent only" in pyrometer("dump", unique, "--locals").out


def test_greenlets_are_named_and_counted(unique: str) -> None:
    """Fault 21: of gevent's, on every version; at most a thousand with their frames, and nobody is hurt."""
    with program("greenlets", unique, "3000") as process:
        typed = pyrometer("dump", unique, "-o", "json")
        assert typed.code == 0, typed.err
        validate("dump", typed.document)
        (found,) = typed.document["processes"]
        assert len(found["greenlets"]) + found["greenlets_left_out"] == 3003
        assert len(found["greenlets"]) <= 1000
        assert process.poll() is None
    with program("greenlets", unique, "3"):
        (found,) = pyrometer("dump", unique, "--locals", "-o", "json").document["processes"]
        names = sorted((each["name"], each["state"]) for each in found["greenlets"])
        late = ("gevent._gevent_cgreenlet.Greenlet", "created")
        assert names == [late, ("main", "suspended"), ("the named one", "suspended")] + 3 * [
            ("wait_for_work", "suspended")
        ]
        frames = [each["frames"] for each in found["greenlets"] if each["name"] == "wait_for_work"]
        assert sorted(stack[-1]["locals"]["number"]["value"] for stack in frames) == [0, 1, 2]
        assert "3 × wait_for_work" in pyrometer("dump", unique).out
