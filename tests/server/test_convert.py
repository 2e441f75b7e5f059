"""What hostile agents say, on its way into the API's messages."""

from __future__ import annotations

import pytest

from pyrometer.link.errors import LinkClosed, LinkError
from pyrometer.server import looking
from pyrometer.server.convert import error_to_message, stacks_to_message
from pyrometer.server.probing import Hit
from pyrometer.server.roster import outside_argv
from pyrometer.server.snapshots import event_to_message
from pyrometer.server.stacks import ProcessStacks
from pyrometer.server.tasks import read_tasks


def reply(**fields: object) -> dict[str, object]:
    """What an agent answers to `dump`, with a thread that has these fields."""
    thread = {"name": "t", "native_id": 1, "frames": [[0, 1, 0]], "left_out": 0, **fields}
    return {"threads": [thread], "codes": [["f", "/x.py", "m"]]}


def test_a_lone_surrogate_fails_nobody() -> None:
    """Nor in a refusal: the answer for all other processes would be lost with it."""
    message = error_to_message(1, LinkError("\ud800", next="\ud800", reason="\ud800"))
    assert message.error.message == "\\ud800"


@pytest.mark.parametrize(
    "fields",
    [
        {"native_id": 2**70},
        {"native_id": -1},
        {"frames": [[0, 2**40, 0]]},
        {"frames": [[0, -5, 0]]},
        {"left_out": 2**99},
    ],
)
def test_numbers_that_are_none_of_theirs_fail_nobody(fields: dict[str, object]) -> None:
    """They are the nearest ones that there are."""
    threads = looking._threads(reply(**fields))
    stacks = ProcessStacks(1, "shop", (), "AGENT", "", threads, left_out=2**80)
    assert len(stacks_to_message(stacks).threads) == 1


@pytest.mark.parametrize(
    "fields", [{"native_id": float("inf")}, {"native_id": "x"}, {"frames": [[0, float("nan"), 0]]}]
)
def test_what_is_no_number_ends_one_conversation(fields: dict[str, object]) -> None:
    """As an error of that process."""
    with pytest.raises(LinkClosed):
        looking._threads(reply(**fields))


@pytest.mark.parametrize(
    "hit", [{}, {"frames": 1}, {"frames": [{}]}, {"time": float("inf")}, {"pause": "x"}, {"left_out": []}]
)
def test_a_hit_of_another_shape_is_an_error_of_one_process(hit: dict[str, object]) -> None:
    """The others' hits go on."""
    event = event_to_message(Hit(7, "p", hit, {}, ())).event
    assert event.pid == 7
    assert event.HasField("error") is bool(hit)


class Process:
    """A process with this command line."""

    def __init__(self, *argv: str) -> None:
        self._argv = list(argv)

    def cmdline(self) -> list[str]:
        """As psutil tells it."""
        return self._argv


@pytest.mark.parametrize(
    ("argv", "shown"),
    [
        (["python", "-c", "password='hunter2'"], ["python", "-c", "…"]),
        (["python", "-Ic", "password='hunter2'", "x"], ["python", "-Ic", "…"]),
        (["python", "-cpassword='hunter2'"], ["python", "-c", "…"]),
        (["python", "-m", "http.server", "80"], ["python", "-m", "http.server", "…"]),
        (["python", "app.py"], ["python", "app.py"]),
        (["app", "--password=hunter2", "x"], ["app", "--password=<redacted: name>", "x"]),
        (["app", "--password", "hunter2", "x"], ["app", "--password", "<redacted: name>", "…"]),
    ],
)
def test_without_the_agent_a_command_line_tells_no_secret(argv: list[str], shown: list[str]) -> None:
    """What follows -c is left out, and so is what follows the program's name; the rest is redacted."""
    assert list(outside_argv(Process(*argv))) == shown  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "fields", [{"id": "x"}, {"frames": [[7, 1, 0]]}, {"suspended": "long"}, {"awaited_by": 3}, {"loop": None}]
)
def test_tasks_of_another_shape_end_one_conversation(fields: dict[str, object]) -> None:
    """As an error of that process."""
    with pytest.raises(LinkClosed):
        read_tasks(tasks_of(**fields))


@pytest.mark.parametrize(
    "fields",
    [
        {"id": 2**80},
        {"name": "\ud800"},
        {"suspended": 1e300},
        {"state": "DANCING"},
        {"awaited_by": [5, -1]},
        {"alike": -3},
    ],
)
def test_what_is_odd_in_a_task_fails_nobody(fields: dict[str, object]) -> None:
    """Text, numbers and states that are none of theirs."""
    stacks = ProcessStacks(1, "shop", (), "AGENT", "", (), tasks=read_tasks(tasks_of(**fields)))
    message = stacks_to_message(stacks)
    assert message.has_tasks
    assert len(message.tasks) == 1
    assert list(message.tasks[0].awaited_by) == []


def tasks_of(**fields: object) -> dict[str, object]:
    """What an agent answers to `tasks`, with a task that has these fields."""
    task = {
        "id": 1,
        "name": "t",
        "loop": 1,
        "state": "WAITING",
        "cancelling": False,
        "coroutine": "work",
        "frames": [[0, 1, 0]],
        "left_out": 0,
        "awaited_by": [],
        "alike": 0,
        "suspended": None,
        "waits_for": "Lock",
        "holder": 9,
        **fields,
    }
    loop = {"id": 1, "type": "asyncio.Loop", "thread": "MainThread", "tasks": 1}
    greenlets = {"greenlets": [{"name": "g", "state": "?", "frames": [], "left_out": 0}], "left_out": 0, "codes": []}
    codes = [["f", "/x.py", "m"]]
    return {"loops": [loop], "tasks": [task], "left_out": 0, "codes": codes, "greenlets": greenlets}
