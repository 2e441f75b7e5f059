"""What several processes could not do."""

from __future__ import annotations

from pyrometer.client.render import failures


def test_what_is_equal_is_said_once_with_whom_it_is_of() -> None:
    """Five workers that refuse in the same words are one line; the pid of our own server is not what differs."""
    refused = "user 1000 is neither the process's own (0) nor root"
    errors = [{"pid": pid, "message": f"process 77{pid} of user 1000: {refused}"} for pid in (12, 11)]
    assert list(failures.lines([*errors, {"pid": 13, "message": "is gone\x1b[2J"}])) == [
        f"» 11, 12: {refused}",
        "» 13: is gone\\x1b[2J",
    ]


def test_many_are_counted() -> None:
    """A handful of pids is enough."""
    assert failures.few(list(range(1, 9))) == "1, 2, 3, 4, 5 and 3 more"
