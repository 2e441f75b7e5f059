"""`top` on a real service, on a terminal and without one."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from fcntl import ioctl
from pathlib import Path
from struct import pack

import pytest

from tests.support import schemas
from tests.support.services import PROGRAMS, pyrometer

pytestmark = [pytest.mark.once, pytest.mark.needs("py-spy")]
_PATIENCE = 60.0


@pytest.fixture(scope="module")
def burner() -> Iterator[str]:
    with subprocess.Popen([sys.executable, str(PROGRAMS / "burner.py")], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield str(process.pid)
        process.kill()


class Terminal:
    """`top` on a pseudo terminal of 80 x 24."""

    def __init__(self, pid: str) -> None:
        self._master, slave = pty.openpty()
        self.slave = slave
        self.resize(80, 24)
        self.before = termios.tcgetattr(slave)
        command = [sys.executable, "-m", "pyrometer.client", "top", pid]
        self.process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, env={**os.environ, "TERM": "xterm"}, process_group=0
        )
        self._seen = ""

    def resize(self, columns: int, lines: int) -> None:
        ioctl(self.slave, termios.TIOCSWINSZ, pack("HHHH", lines, columns, 0, 0))

    def type(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def until(self, text: str) -> None:
        """Read until a text is there; what came before it is forgotten."""
        end = time.monotonic() + _PATIENCE
        while text not in self._seen:
            assert time.monotonic() < end, (text, self._seen[-2000:])
            if select.select([self._master], [], [], 0.2)[0]:
                self._seen += os.read(self._master, 65536).decode(errors="replace")
        self._seen = self._seen.partition(text)[2]

    def ended(self) -> int:
        """The exit code; the terminal is as it was."""
        self.until("\x1b[?25h\x1b[?1049l")
        code = self.process.wait(_PATIENCE)
        assert termios.tcgetattr(self.slave) == self.before
        return code

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.slave)
        os.close(self._master)


@pytest.fixture
def terminal(burner: str) -> Iterator[Terminal]:
    opened = Terminal(burner)
    try:
        yield opened
    finally:
        opened.close()


def test_keys_do_what_the_last_line_says(terminal: Terminal) -> None:
    """Sort, switch, pause, open a stack, end; and a new size is drawn at once."""
    terminal.until("functions by self")
    terminal.until("bake")
    for keys, seen in (
        ("t", "functions by total"),
        ("h", "MOSTLY IN"),
        ("\r", "the stack it was seen on most"),
        ("\x1b", "MOSTLY IN"),
        (" ", "PAUSED"),
        ("f", "functions by total"),
    ):
        terminal.type(keys)
        terminal.until(seen)
    terminal.resize(120, 40)
    terminal.process.send_signal(signal.SIGWINCH)
    terminal.until("\x1b[K\r\r\n" * 25)
    terminal.type("q")
    assert terminal.ended() == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_it_with_the_terminal_restored(terminal: Terminal, number: signal.Signals, code: int) -> None:
    """The other screen is left, the cursor is shown, what is typed can be seen."""
    terminal.until("?1049h")
    terminal.until("q end")
    terminal.process.send_signal(number)
    assert terminal.ended() == code


def test_prints_a_document_a_round(burner: str) -> None:
    """For scripts; the hottest function is the one that is so by construction."""
    typed = pyrometer("top", burner, "--for", "5s", "-o", "jsonl")
    assert typed.code == 0, typed.err
    rounds = [json.loads(line) for line in typed.out.splitlines()]
    for each in rounds:
        schemas.validate("top", each)
    assert len(rounds) >= 2
    assert Path(rounds[-1]["functions"][0]["file"]).name == "burner.py"
    assert rounds[-1]["threads"][0]["name"] == "MainThread"


def test_prints_tables_where_there_is_no_terminal(burner: str) -> None:
    """A pipe gets text, without a code for a terminal in it."""
    typed = pyrometer("top", burner, "--for", "3s")
    assert (typed.code, "\x1b" in typed.out) == (0, False)
    assert "FUNCTION" in typed.out


def test_ends_with_what_it_looks_at() -> None:
    """Code 6, and why: not ten minutes of an empty screen."""
    with subprocess.Popen([sys.executable, str(PROGRAMS / "burner.py")], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        command: Callable[..., subprocess.Popen[str]] = subprocess.Popen
        with command(
            [sys.executable, "-m", "pyrometer.client", "top", str(process.pid), "-o", "jsonl"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as looking:
            assert looking.stdout is not None
            looking.stdout.readline()
            process.kill()
            process.wait()
            _, said = looking.communicate(timeout=_PATIENCE)
    assert looking.returncode == 6, said
