"""What is on the screen, as a value, and what each key makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pyrometer.client.live.tables import Key

HELP = "↑↓ enter: stack  s self  t total  f functions  h threads  space pause  q end"
STACK_HELP = "↑↓ scroll   esc back   space pause   q end"


@dataclass(frozen=True, slots=True)
class State:
    """What the user has chosen to see."""

    threads: bool = False
    """The threads, not the functions."""
    by_total: bool = False
    paused: bool = False
    chosen: Key | None = None
    """The row that is marked; None: the first."""
    opened: Key | None = None
    """Whose stack is shown; None: the table is."""
    scroll: int = 0
    """Lines of the stack above the screen."""
    ended: bool = False


def pressed(state: State, key: str, rows: Sequence[Key], page: int, last: int) -> State:
    """The state after a key.

    `rows` are those on the screen, `page` how many lines of a stack it holds, `last` how far that can be scrolled.
    """
    if key == "q":
        return replace(state, ended=True)
    if key == "space":
        return replace(state, paused=not state.paused)
    if key in ("s", "t"):
        return replace(state, by_total=key == "t")
    if key in ("f", "h", "tab"):
        threads = key == "h" or (key == "tab" and not state.threads)
        return replace(state, threads=threads, chosen=None, opened=None, scroll=0)
    if state.opened is not None:
        return _in_stack(state, key, page, last)
    return _in_table(state, key, rows)


def marked(state: State, rows: Sequence[Key]) -> int:
    """Index of the row that is marked: what was chosen, wherever it went, else the first."""
    return rows.index(state.chosen) if state.chosen in rows else 0


def _in_stack(state: State, key: str, page: int, last: int) -> State:
    if key in ("esc", "enter", "left"):
        return replace(state, opened=None, scroll=0)
    steps = {"up": -1, "down": 1, "page-up": -page, "page-down": page}
    return replace(state, scroll=min(last, max(0, state.scroll + steps.get(key, 0))))


def _in_table(state: State, key: str, rows: Sequence[Key]) -> State:
    if not rows:
        return state
    at = marked(state, rows)
    if key in ("enter", "right"):
        return replace(state, opened=rows[at], scroll=0)
    steps = {"up": -1, "down": 1, "page-up": -len(rows), "page-down": len(rows)}
    if key not in steps:
        return state
    return replace(state, chosen=rows[min(len(rows) - 1, max(0, at + steps[key]))])
