"""What py-spy writes and says, understood."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from pyrometer.link.errors import LinkError
from pyrometer.server.profiling import pyspy
from pyrometer.server.profiling.model import Mode, Place, Stack

SAID = "py-spy> Wrote speedscope file to '/proc/self/fd/3'. Samples: 3 Errors: 2\n"


def document(*profiles: dict[str, Any]) -> bytes:
    frames = [
        {"name": "<module>", "file": "/srv/app.py", "line": 9, "col": None},
        {"name": "Shop.price", "file": "/srv/shop;1 (x).py", "line": 4, "col": None},
        {"name": "native", "file": "", "line": None, "col": None},
    ]
    return json.dumps({"shared": {"frames": frames}, "profiles": profiles}).encode()


MODULE = Place("<module>", "/srv/app.py", 9)
PRICE = Place("Shop.price", "/srv/shop;1 (x).py", 4)


def test_counts_equal_stacks_innermost_first_by_thread() -> None:
    """One stack a thread and place, with how often; names with quotes and separators survive."""
    chunk = pyspy.read_chunk(
        document(
            {"name": 'Thread 77 "MainThread"', "samples": [[0, 1], [0, 1], [0]]},
            {"name": 'Thread 78 "we"ird;(x"', "samples": [[0, 2]]},
            {"name": "Thread 79", "samples": [[0]]},
        ),
        SAID,
    )
    assert chunk.stacks == {
        Stack("MainThread", 77, (PRICE, MODULE)): 2,
        Stack("MainThread", 77, (MODULE,)): 1,
        Stack('we"ird;(x', 78, (Place("native", "", 0), MODULE)): 1,
        Stack("", 79, (MODULE,)): 1,
    }
    assert (chunk.errors, chunk.target_gone) == (2, False)


def test_stacks_are_cut_at_the_outer_end() -> None:
    """A runaway recursion is no runaway profile: the innermost frames are kept."""
    chunk = pyspy.read_chunk(document({"name": "Thread 1", "samples": [[0] + [1] * 5000]}), SAID)
    (stack,) = chunk.stacks
    assert len(stack.places) == pyspy.MAX_FRAMES
    assert stack.places[0] == PRICE


def test_no_sample_is_a_result_too() -> None:
    """A process that only waits has none; one that ended meanwhile says so."""
    chunk = pyspy.read_chunk(document(), "py-spy> Stopped sampling because process exited\n" + SAID)
    assert (len(chunk.stacks), chunk.errors, chunk.target_gone) == (0, 2, True)


@pytest.mark.parametrize(
    "result",
    [
        b"not json",
        b"[]",
        b"{}",
        b'{"shared": {"frames": [{}]}, "profiles": []}',
        document({"name": "Thread 1", "samples": [[99]]}),
        b'{"shared": {"frames": []}, "profiles": [{"name": null, "samples": []}]}',
        b"[" * 100_000,
    ],
)
def test_anything_else_is_one_clear_error(result: bytes) -> None:
    """What we do not understand does not become a traceback."""
    with pytest.raises(LinkError) as raised:
        pyspy.read_chunk(result, SAID)
    assert raised.value.reason == "OUTSIDE_FAILED"


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("Error: Permission Denied: Try running again with elevated permissions", "NOT_PERMITTED"),
        ("Error: Failed to open\nCaused by:\n 0: Operation not permitted (os error 1)", "NOT_PERMITTED"),
        (
            "Error: Failed to get process executable name.\n\nCaused by:\n 0: No such file or directory (os error 2)",
            "TARGET_GONE",
        ),
        ("Error: No such process (os error 3)", "TARGET_GONE"),
        ("Error: Failed to find python version from target process", "NOT_PYTHON"),
        ("thread 'main' panicked", "OUTSIDE_FAILED"),
        ("", "OUTSIDE_FAILED"),
    ],
)
def test_a_failure_has_a_stable_reason(said: str, reason: str) -> None:
    """Programs match on the reason; the words are for people."""
    error = pyspy.explain(7, said, 1)
    assert error.reason == reason
    assert error.message


def test_is_never_called_without_nonblocking() -> None:
    """Stopping the process at each look costs the service up to two thirds of its speed."""
    for mode, flag in ((Mode.CPU, ""), (Mode.WALL, "--idle"), (Mode.GIL, "--gil")):
        argv = pyspy.command("/x/py-spy", 7, 50, mode)
        assert "--nonblocking" in argv
        assert [word for word in argv if word in ("--idle", "--gil")] == [flag] * bool(flag)


@pytest.mark.parametrize(
    ("place", "counts"),
    [
        (Place("Condition.wait", "/usr/lib/python3.12/threading.py", 355), False),
        (Place("wait", "/usr/lib/python3.12/threading.py", 355), False),
        (Place("EpollSelector.select", "/usr/lib/python3.12/selectors.py", 468), False),
        (Place("socket.accept", "/usr/lib/python3.12/socket.py", 295), False),
        (Place("Barrier.wait_for", "/usr/lib/python3.12/threading.py", 1), True),
        (Place("wait", "/srv/shop/threading_of_ours.py", 1), True),
        (PRICE, True),
    ],
)
def test_a_thread_in_a_wait_uses_no_processor(place: Place, counts: bool) -> None:  # noqa: FBT001
    """However busy the machine is: there a thread that was woken counts as running before it has a processor."""
    waiting, called = Stack("T", 1, (place, MODULE)), Stack("T", 1, (PRICE, place))
    kept = pyspy.on_processor(Counter({waiting: 2, called: 3, Stack("T", 2, ()): 1}))
    assert kept[waiting] == (2 if counts else 0)
    assert kept[called] == 3
    assert kept.total() == (6 if counts else 4)


def test_native_frames_are_read_only_of_a_process_that_stands_still() -> None:
    """py-spy does not look at native frames of one that runs; else nothing is ever stopped."""
    argv = pyspy.command("/x/py-spy", 7, 50, Mode.CPU, native=True)
    assert ("--native" in argv, "--nonblocking" in argv) == (True, False)
    assert "--nonblocking" in pyspy.command("/x/py-spy", 7, 50, Mode.CPU)


def test_a_wait_is_one_below_its_native_frames_too() -> None:
    """The innermost frame of Python's tells."""
    wait = (Place("futex", "libc.so.6", 0), Place("Event.wait", "/usr/lib/python3.11/threading.py", 629), MODULE)
    assert pyspy.on_processor(Counter({Stack("T", 1, wait): 3, Stack("T", 2, (wait[0], PRICE)): 2})) == {
        Stack("T", 2, (wait[0], PRICE)): 2
    }
