"""The screen, drawn from values alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.client.profile import examples
from tests.support import schemas

from pyrometer.client.live import screen
from pyrometer.client.live.rounds import Round, document
from pyrometer.client.live.state import State
from pyrometer.client.render.terminal import Style
from pyrometer.v1 import profile_pb2, stack_pb2

PLAIN = Style(enabled=False)
HOT = ("function", "hot", "/srv/shop/pricing.py")


def made(*, empty: bool = False) -> Round:
    summary = profile_pb2.RecordSummary(
        source=stack_pb2.SOURCE_OUTSIDE,
        mode=profile_pb2.PROFILE_MODE_CPU,
        rate_asked=100,
        rate=21.0,
        samples=0 if empty else 10,
        missed=1,
        own_cpu_seconds=0.4,
        pids=[4107, 4108],
    )
    summary.duration.FromSeconds(10)
    return Round(summary, None if empty else examples.profile(), 12.0)


@pytest.mark.parametrize("size", [(80, 24), (160, 50), (40, 8), (20, 3), (1, 1)])
@pytest.mark.parametrize(
    "state",
    [
        State(),
        State(threads=True),
        State(by_total=True, paused=True),
        State(opened=("function", "hot", "/srv/shop/pricing.py")),
    ],
)
def test_no_screen_is_larger_than_the_terminal(state: State, size: tuple[int, int]) -> None:
    """A line too many scrolls the screen away."""
    drawn = screen.draw(state, made(), PLAIN, size, 600)
    assert len(drawn.lines) <= size[1]
    if size[0] >= 80:
        assert max(map(len, drawn.lines)) <= size[0]


def test_says_what_is_read_how_and_what_it_costs() -> None:
    """The rate that was reached, what was missed and the own cost are on each screen, on a small one too."""
    lines = screen.draw(State(), made(), PLAIN, (80, 24), 600).lines
    assert lines[0] == "shop, 2 processes, 10 samples (9.1 % missed)"
    assert lines[1] == "py-spy at 21 Hz of 100, CPU time, own cost 4 % of a core"
    assert lines[2] == "functions by self, last 10 s, 12 of 600 s"
    assert lines[-1].endswith("q end")


def test_functions_are_sorted_by_what_is_asked_for() -> None:
    """By their own time, or with what they call."""
    own = screen.draw(State(), made(), PLAIN, (80, 24), 600)
    total = screen.draw(State(by_total=True), made(), PLAIN, (80, 24), 600)
    assert [key[1] for key in own.rows] == ["hot", "loads"]
    assert [key[1] for key in total.rows] == ["main", "run", "hot", "loads"]


def test_the_stack_of_a_function_is_the_one_it_was_seen_on_most() -> None:
    """Innermost first, the function marked, and how much of it that stack is."""
    lines = screen.draw(State(opened=HOT), made(), PLAIN, (80, 24), 600).lines[3:7]
    assert lines[0] == "hot: the stack it was seen on most, 86 % of it"
    assert [line.split()[:2] for line in lines[1:]] == [
        ["▸", "hot"],
        ["main", lines[2].split()[1]],
        ["run", lines[3].split()[1]],
    ]


def test_a_thread_has_its_process_and_what_it_is_mostly_in() -> None:
    """Also one without a name."""
    lines = screen.draw(State(threads=True), made(), PLAIN, (80, 24), 600).lines
    assert [line.split()[:4] for line in lines[4:6]] == [
        ["60", "%", "4107", "MainThread"],
        ["40", "%", "4108", "thread"],
    ]
    assert "loads" in lines[5]


def test_says_that_nothing_was_seen() -> None:
    """An idle service is no empty screen."""
    lines = screen.draw(State(), made(empty=True), PLAIN, (100, 24), 600).lines
    assert any("--mode wall" in line for line in lines)
    assert screen.draw(State(), None, PLAIN, (80, 24), 600).rows == []


def test_what_failed_cannot_command_the_terminal() -> None:
    """Words of a target are spelled out."""
    found = made()
    found.summary.reason = "\x1b[2Jowned"
    assert not any("\x1b" in line for line in screen.draw(State(), found, PLAIN, (80, 24), 600).lines)


@pytest.mark.parametrize("empty", [False, True])
def test_a_round_keeps_to_its_schema(*, empty: bool) -> None:
    """With samples or without."""
    schemas.validate("top", {"schema": "pyrometer.top/v1", **document(made(empty=empty))})


def test_a_round_as_text_has_functions_and_threads() -> None:
    """What is printed where there is no terminal."""
    said = "\n".join(screen.text(replace(made(), elapsed=2.0), PLAIN, 100))
    assert "FUNCTION" in said
    assert "THREAD" in said
