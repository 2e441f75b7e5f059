"""The loop of `top` on a terminal: rounds come in from one side, keys from the other."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

from pyrometer.client.live import screen
from pyrometer.client.live.console import Console, Terminated
from pyrometer.client.live.rounds import Round
from pyrometer.client.live.state import State, pressed
from pyrometer.client.render.terminal import Style

_REDRAW = 1.0
_SIGNALLED = 128


@dataclass
class _Inbox:
    """What the reading thread has for the drawing one: each is set once or replaced whole."""

    latest: Round | None = None
    error: BaseException | None = None
    over: bool = False


def run(rounds: Iterator[Round], style: Style, seconds: float) -> int:
    """Show the rounds until they end or the user does; the exit code. Raises what reading raises."""
    console, inbox = Console(), _Inbox()
    threading.Thread(target=_read, args=(rounds, inbox, console), name="rounds", daemon=True).start()
    try:
        with console.opened():
            _show(console, inbox, style, seconds)
    except Terminated as ended:
        return _SIGNALLED + ended.number
    if inbox.error is not None:
        raise inbox.error
    return 0


def _read(rounds: Iterator[Round], inbox: _Inbox, console: Console) -> None:
    try:
        for found in rounds:
            inbox.latest = found
            console.wake()
    except BaseException as error:
        inbox.error = error
    inbox.over = True
    console.wake()


def _show(console: Console, inbox: _Inbox, style: Style, seconds: float) -> None:
    state, shown = State(), inbox.latest
    began = time.monotonic()
    while not (state.ended or inbox.over):
        if not state.paused:
            shown = inbox.latest
        size = console.size()
        drawn = screen.draw(state, shown, style, size, seconds)
        console.show(drawn.lines)
        typed = console.wait(_REDRAW)
        if typed is None or time.monotonic() - began > seconds + 60:
            return
        for key in typed:
            state = pressed(state, key, drawn.rows, max(1, size[1] - 6), drawn.last)
