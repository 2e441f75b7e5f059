from __future__ import annotations

import sys
import threading
import types
from collections.abc import Callable
from typing import Any

import pytest

from pyrometer.agent import frames
from pyrometer.agent.expressions import EvaluationError, compile_expression
from pyrometer.agent.snapshots import Recipe, lookup_in, take, warm_up
from pyrometer.guard.redaction import Redactor
from pyrometer.link.model import ProbeLimits

limit = 7


@pytest.fixture(autouse=True)
def _prepared() -> None:
    frames.prepare()


def recipe(*expressions: str, forbids: Callable[[str], bool] = lambda _: False, **limits: int) -> Recipe:
    redactor = Redactor()
    asked = [compile_expression(text, redactor) for text in expressions]
    return Recipe(ProbeLimits(**limits), redactor, shape=False, forbids=forbids, expressions=asked)


def deep(depth: int, then: Callable[[types.FrameType], Any]) -> Any:
    return then(sys._getframe()) if not depth else deep(depth - 1, then)


def test_a_variable_without_a_value_hides_the_global_of_its_name() -> None:
    """As it does for Python: a value that the service would not see is not shown. Fault 61."""
    frame = sys._getframe()
    with pytest.raises(EvaluationError, match="limit has no value here"):
        lookup_in(frame, None)("limit")
    hit, _ = take(recipe("limit"), "1", frame, None)
    ((_, node),) = hit["expressions"]
    assert node["kind"] == "unreadable"
    limit = 1
    assert lookup_in(frame, None)("limit") == limit


def test_names_are_sought_in_variables_then_globals_then_the_exception() -> None:
    """And nowhere else."""

    def inner(frame: types.FrameType, exc: BaseException | None) -> list[object]:
        return [lookup_in(frame, exc)(name) for name in ("limit", "inner_only", "exc")]

    def outer(inner_only: int = 3) -> types.FrameType:
        return sys._getframe()

    error = KeyError("no")
    assert inner(outer(), error) == [7, 3, error]
    with pytest.raises(EvaluationError):
        lookup_in(outer(), None)("exc")


def test_no_more_frames_are_shown_than_were_asked_for() -> None:
    """Innermost first; the rest is counted."""
    hit, weight = deep(5, lambda frame: take(recipe(frames=2), "1", frame, None))
    assert [frame["function"] for frame in hit["frames"]] == ["deep", "deep"]
    assert hit["left_out"] > 4
    assert weight > 0


def test_frames_of_what_the_owner_forbids_have_no_values() -> None:
    """They are named all the same: a stack with holes misleads."""
    hit, _ = take(recipe(forbids=lambda module: module == __name__), "1", sys._getframe(), None)
    assert hit["frames"][0]["function"] == "test_frames_of_what_the_owner_forbids_have_no_values"
    assert hit["frames"][0]["locals"] is None


def test_frames_that_an_exception_left_take_half_of_the_room() -> None:
    """So that the frame that was asked for is among those that are shown."""

    def fail(depth: int) -> None:
        if depth:
            fail(depth - 1)
        raise KeyError

    try:
        fail(10)
    except KeyError as error:
        hit, _ = take(recipe(frames=4), "1", sys._getframe(), error)
    assert [frame["function"].rpartition(".")[2] for frame in hit["frames"][:3]] == [
        "fail",
        "fail",
        "test_frames_that_an_exception_left_take_half_of_the_room",
    ]
    assert hit["exception"]["type"] == "KeyError"


def test_a_thread_is_named_without_asking_it() -> None:
    """Its class may compute the name, and its dictionary be of a class of its own. Faults 41 and 49."""

    class Fields(dict[str, Any]):
        def _spring(self, *_: object) -> Any:
            raise AssertionError

        __bool__ = __len__ = __getitem__ = __contains__ = get = _spring

    class Odd(threading.Thread):
        name = property(lambda self: pytest.fail("the name was asked for"))  # type: ignore[assignment]

        def run(self) -> None:
            self.__dict__ = Fields(self.__dict__)
            seen.append(take(recipe(), "1", sys._getframe(), None)[0]["thread"].to_wire())
            self.__dict__ = dict(self.__dict__.items())

    seen: list[str] = []
    thread = Odd()
    thread._name = "payments"  # type: ignore[attr-defined]
    thread.start()
    thread.join()
    assert seen == ["payments"]


def test_warming_up_judges_the_names_that_a_hit_will_show() -> None:
    """A name that is met for the first time takes as long as ten others; the service's thread is not to wait for it."""

    def pay(card_number: str) -> None:
        amount = 1  # noqa: F841

    asked = recipe()
    warm_up(asked, [pay.__code__])
    assert {"card_number", "amount"} <= set(asked.redactor.verdicts)
