"""What each key makes of what is on the screen."""

from __future__ import annotations

from pyrometer.client.live.state import State, marked, pressed
from pyrometer.client.live.tables import Key

ROWS: list[Key] = [("function", "f", "a.py"), ("function", "g", "a.py"), ("function", "h", "b.py")]


def after(*keys: str) -> State:
    state = State()
    for key in keys:
        state = pressed(state, key, [] if state.opened else ROWS, page=10, last=1)
    return state


def test_the_marked_row_is_followed_wherever_it_goes() -> None:
    """A mark that stays on a line would be on another function at the next round."""
    state = after("down")
    assert state.chosen == ROWS[1]
    assert marked(state, [ROWS[1], ROWS[0]]) == 0


def test_the_mark_stays_in_the_table() -> None:
    """Beyond either end there is nothing to choose."""
    assert after("down", "down", "down", "down").chosen == ROWS[2]
    assert after("down", "page-up", "up").chosen == ROWS[0]


def test_a_stack_is_opened_and_closed() -> None:
    """Enter opens what is marked; esc goes back to the same mark."""
    assert after("down", "enter").opened == ROWS[1]
    assert after("down", "enter", "down").scroll == 1
    assert after("down", "enter", "down", "down").scroll == 1  # the last line is on the screen
    back = after("down", "enter", "down", "esc")
    assert (back.opened, back.scroll, back.chosen) == (None, 0, ROWS[1])


def test_keys_sort_switch_pause_and_end() -> None:
    """Each key does what the last line of the screen says."""
    assert after("t").by_total
    assert not after("t", "s").by_total
    assert after("h").threads
    assert not after("h", "f").threads
    assert after("tab").threads
    assert after("space").paused
    assert not after("space", "space").paused
    assert after("q").ended


def test_other_keys_and_an_empty_table_change_nothing() -> None:
    """What nobody asked for does not happen."""
    assert after("x", "é", "left") == State()
    assert pressed(State(), "enter", [], 10, 0) == State()
