"""What an exception is chained to, as a hit has it."""

from __future__ import annotations

import json
import sys
import types
from collections.abc import Iterator
from typing import Any

import pytest
from tests.agent.places import loaded

from pyrometer.agent.causes import MAX_DEPTH, MAX_DESCRIBED, MAX_FRAMES, MAX_MEMBERS, Causes
from pyrometer.agent.values import Capture
from pyrometer.guard.redaction import Redactor
from pyrometer.link.framing import encode
from pyrometer.link.model import ProbeLimits

NAME = "shop_chained"


@pytest.fixture
def chained() -> Iterator[types.ModuleType]:
    with loaded("chained", NAME) as module:
        yield module


def described(function: Any, *arguments: object, shape: bool = False) -> dict[str, Any]:
    """What is said of the exception that a function raises."""
    capture = Capture(ProbeLimits(), Redactor(), shape=shape)
    try:
        function(*arguments)
    except BaseException as error:  # noqa: BLE001
        return as_sent(Causes(capture).of(error)._asdict())
    raise AssertionError("nothing was raised")


def as_sent(found: dict[str, Any]) -> Any:
    """It, as the link sends it."""
    return json.loads(encode(found)[4:])


def count(raised: dict[str, Any] | None) -> int:
    """How many exceptions there are in a chain."""
    if raised is None:
        return 0
    return 1 + count(raised["cause"]) + count(raised["context"]) + sum(map(count, raised["exceptions"]))


def test_a_cause_comes_with_its_frames_and_without_secrets(chained: types.ModuleType) -> None:
    """Type, message, notes, frames; no values."""
    found = described(chained.from_cause)
    assert found["notes"] == ["asked twice"]
    cause = found["cause"]
    assert (cause["type"], found["context"]) == ("OSError", None)
    assert cause["message"].startswith("[Errno 5] no answer")
    assert "AKIA" not in cause["message"]
    assert [frame["function"] for frame in cause["frames"]] == ["read", "from_cause"]
    assert cause["frames"][0]["module"] == NAME


def test_a_context_is_shown_unless_it_is_hidden(chained: types.ModuleType) -> None:
    """As Python's own traceback does."""
    assert described(chained.while_handling)["context"]["type"] == "OSError"
    assert described(chained.hidden)["context"] is None


def test_a_circle_ends(chained: types.ModuleType) -> None:
    """Fault 54."""
    found = described(chained.in_circles)
    assert found["cause"]["message"] == "second"
    assert (found["cause"]["cause"], found["cause"]["left_out"]) == (None, 1)


def test_a_group_has_its_members(chained: types.ModuleType) -> None:
    """In their order, groups in groups too."""
    found = described(chained.grouped)
    first, second = found["exceptions"]
    assert (first["message"], second["message"]) == ("a", "inner (1 sub-exception)")
    assert second["exceptions"][0]["message"] == "b"


@pytest.mark.parametrize("name", ["nested", "many", "long_chain", "with_a_long_traceback"])
def test_everything_is_bounded(chained: types.ModuleType, name: str) -> None:
    """A group nested 500 deep, one of 500, a chain of 500, a traceback of many frames. Fault 54."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(20_000)
    try:
        found = described(getattr(chained, name), 500 if name != "with_a_long_traceback" else 9000)
    finally:
        sys.setrecursionlimit(before)
    assert 1 < count({**found}) <= min(MAX_DESCRIBED, max(MAX_DEPTH, MAX_MEMBERS) + 1)
    if name == "many":
        assert found["left_out"] == 500 - MAX_MEMBERS
    if name == "with_a_long_traceback":
        assert len(found["cause"]["frames"]) == MAX_FRAMES


def test_none_of_its_own_code_runs(chained: types.ModuleType) -> None:
    """An exception and arguments that take note of being asked. Fault 54."""
    capture = Capture(ProbeLimits(), Redactor())
    try:
        chained.hostile()
    except BaseException as error:  # noqa: BLE001
        chained.Hostile.calls.clear()
        found = Causes(capture).of(error)
        as_sent(found._asdict())
        capture.draft_message(error).to_wire()
        assert chained.Hostile.calls == []
    assert found.cause is not None
    assert found.cause["type"] == f"{NAME}.Hostile"


def test_shapes_tell_no_content(chained: types.ModuleType) -> None:
    """Neither messages nor notes, where the owner lets shapes out only."""
    found = described(chained.from_cause, shape=True)
    assert found["notes"] == [""]
    assert found["cause"]["message"] == ""
