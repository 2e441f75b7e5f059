"""The terminal while `top` has it: the other screen, keys one by one, and all of it given back at the end."""

from __future__ import annotations

import contextlib
import os
import re
import select
import shutil
import signal
import sys
import termios
import tty
from collections.abc import Iterator
from types import FrameType

_ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l"
_LEAVE = "\x1b[?7h\x1b[?25h\x1b[?1049l"
_KEY = re.compile(rb"\x1b(?:\[|O)[0-9;]*[A-Za-z~]|\x1b|[\x00-\x7f]|[\x80-\xff]+")
_NAMES = {
    b"\x1b[A": "up",
    b"\x1bOA": "up",
    b"k": "up",
    b"\x1b[B": "down",
    b"\x1bOB": "down",
    b"j": "down",
    b"\x1b[C": "right",
    b"\x1bOC": "right",
    b"\x1b[D": "left",
    b"\x1bOD": "left",
    b"\x1b[5~": "page-up",
    b"\x1b[6~": "page-down",
    b"\r": "enter",
    b"\n": "enter",
    b" ": "space",
    b"\t": "tab",
    b"\x1b": "esc",
    b"\x7f": "esc",
}

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGWINCH)


class Terminated(BaseException):
    """Somebody asked us to end, by a signal."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def is_possible() -> bool:
    """Whether there is a terminal to read keys from and to draw on."""
    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"


def keys(data: bytes) -> list[str]:
    """What was pressed, by name."""
    return [_NAMES.get(raw, raw.decode("ascii", "replace").lower()) for raw in _KEY.findall(data)]


class Console:
    """The terminal, taken by `opened`; `wake` may be called from any thread."""

    def __init__(self) -> None:
        self._input = sys.stdin.fileno()
        self._woken, self._wake = os.pipe()
        os.set_blocking(self._woken, False)
        os.set_blocking(self._wake, False)

    @contextlib.contextmanager
    def opened(self) -> Iterator[None]:
        """Take the terminal; it is given back whatever happens. SIGTERM and SIGHUP raise Terminated meanwhile."""
        before = termios.tcgetattr(self._input)
        handlers = {number: signal.getsignal(number) for number in _SIGNALS}
        try:
            signal.signal(signal.SIGWINCH, lambda _number, _frame: self.wake())
            signal.signal(signal.SIGTERM, _terminate)
            signal.signal(signal.SIGHUP, _terminate)
            self._take()
            yield
        finally:
            for number in _SIGNALS:  # a second one must not cut this short
                signal.signal(number, signal.SIG_IGN)
            with contextlib.suppress(OSError, termios.error):  # the terminal may be gone, with its window
                self._write(_LEAVE)
                termios.tcsetattr(self._input, termios.TCSADRAIN, before)
            for number, handler in handlers.items():
                signal.signal(number, handler)

    def wake(self) -> None:
        """End a wait: something has changed."""
        with contextlib.suppress(BlockingIOError):
            os.write(self._wake, b"\0")

    def wait(self, seconds: float) -> list[str] | None:
        """The keys that were pressed, as soon as there are any or it was woken; None: the terminal is gone."""
        ready, _, _ = select.select([self._input, self._woken], [], [], max(0.0, seconds))
        if self._woken in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(self._woken, 4096)
        if self._input not in ready:
            return []
        try:
            data = os.read(self._input, 1024)
        except OSError:
            return None
        return keys(data) if data else None

    def size(self) -> tuple[int, int]:
        """Columns and lines."""
        try:
            size = os.get_terminal_size(sys.stdout.fileno())
        except OSError:
            size = shutil.get_terminal_size((80, 24))
        return (size.columns or 80, size.lines or 24)

    def show(self, lines: list[str]) -> None:
        """Draw over what is there, without a flicker."""
        self._write("\x1b[H" + "\r\n".join(f"{line}\x1b[K" for line in lines) + "\x1b[J")

    def _take(self) -> None:
        tty.setcbreak(self._input)
        mode = termios.tcgetattr(self._input)
        mode[6][termios.VSUSP] = b"\0"  # ctrl-Z would leave the shell with our screen
        termios.tcsetattr(self._input, termios.TCSADRAIN, mode)
        self._write(_ENTER)

    @staticmethod
    def _write(text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()


def _terminate(number: int, _frame: FrameType | None) -> None:
    raise Terminated(number)
