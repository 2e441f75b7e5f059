"""What the readers saw, put together in bounded memory."""

from __future__ import annotations

import pytest

from pyrometer.server.profiling import gathering as module
from pyrometer.server.profiling.gathering import Gathering
from pyrometer.server.profiling.model import Place, Stack, Target

TARGET = Target(7, "shop", own_threads=frozenset({70}))


def stack(name: str, *, thread: int = 1, file: str = "/srv/app.py") -> Stack:
    return Stack("T", thread, (Place(name, file, 1), Place("run", file, 2)))


def test_samples_stand_for_the_time_between_looks() -> None:
    """Twenty looks a second: a sample is 50 ms, whatever the rate of the next chunk is."""
    seen = Gathering()
    seen.add(TARGET, {stack("f"): 20}, looks=40, seconds=2.0)
    seen.add(TARGET, {stack("f"): 100}, looks=200, seconds=2.0)
    (count,) = seen.counts({7: 4.0}).values()
    assert count.samples == 120
    assert count.nanoseconds == pytest.approx(2e9)


def test_what_was_seen_in_a_part_of_the_time_stands_for_the_whole() -> None:
    """Processes that take turns weigh as much as those that were read all the time."""
    seen = Gathering()
    seen.add(TARGET, {stack("f"): 10}, looks=20, seconds=1.0)
    (count,) = seen.counts({7: 10.0}).values()
    assert (count.samples, count.nanoseconds) == (10, pytest.approx(5e9))


def test_leaves_the_agents_threads_out() -> None:
    """By id where it is known, and by where a thread began."""
    seen = Gathering()
    ours = stack("accept", file="/venv/lib/python3.12/site-packages/pyrometer/agent/service.py")
    seen.add(TARGET, {stack("f", thread=70): 1, ours: 1, stack("f"): 1}, looks=1, seconds=1.0)
    assert [key[1].thread_id for key in seen.counts({})] == [1]
    assert seen.samples == 1


def test_memory_is_bounded_by_the_number_of_stacks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A further stack counts as missed; the known ones go on counting (fault 67)."""
    monkeypatch.setattr(module, "MAX_STACKS", 3)
    seen = Gathering()
    seen.add(TARGET, {stack(f"f{number}"): 2 for number in range(5)}, looks=10, seconds=1.0)
    seen.add(TARGET, {stack("f0"): 1}, looks=1, seconds=1.0, missed=1)
    assert (seen.samples, seen.missed, len(seen.counts({}))) == (7, 5, 3)


def test_a_rolled_gathering_holds_the_last_slices_only() -> None:
    """What is live goes back some seconds; what is older is forgotten, its memory too."""
    seen = Gathering()
    for number in range(4):
        seen.add(TARGET, {stack(f"f{number}"): 1}, looks=10, seconds=1.0, missed=number)
        if number < 3:
            seen.roll(2)
    assert {key[1].places[0].function for key in seen.counts({})} == {"f2", "f3"}
    assert (seen.samples, seen.missed, seen.looks()) == (2, 5, 20)


def test_a_stack_of_several_slices_is_counted_once() -> None:
    """Samples and time are added up over the slices."""
    seen = Gathering()
    seen.add(TARGET, {stack("f"): 20}, looks=40, seconds=2.0)
    seen.roll(5)
    seen.add(TARGET, {stack("f"): 100}, looks=200, seconds=2.0)
    (count,) = seen.counts({7: 4.0}).values()
    assert (count.samples, count.nanoseconds) == (120, pytest.approx(2e9))
