"""What only ssh has: banners, keys, passphrases, and long ways."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.integration.remote.leftovers import children, marked, servers
from tests.integration.remote.places import Place, held_look
from tests.integration.remote.sshd import Sshd
from tests.support.services import program, pyrometer, until

pytestmark = [pytest.mark.needs("sshd"), pytest.mark.once]


@pytest.fixture
def service(unique: str) -> Iterator[str]:
    """Run the idle service on this machine."""
    with program("idle", unique):
        yield unique


def test_noise_on_the_way_is_no_matter(sshd: Sshd, service: str) -> None:
    """Fault 89: a banner on stderr and a greeting on stdout are not taken for an answer, nor shown."""
    typed = pyrometer("ps", f"ssh:noisy/{service}", "-o", "json")
    assert (typed.code, typed.err) == (0, "")
    assert len(typed.document["processes"]) == 1


def test_planted_code_is_not_run(sshd: Sshd, service: str) -> None:
    """Fault 87d: a sitecustomize on the PYTHONPATH of the account over there has no part in a look."""
    assert pyrometer("dump", f"ssh:noisy/{service}").code == 0
    assert [path.name for path in (sshd.folder / "planted").iterdir()] == ["sitecustomize.py"]


def test_no_interpreter_over_there(sshd: Sshd) -> None:
    """Fault 87: what was tried, and what to do."""
    typed = pyrometer("ps", "ssh:bare", "--server-python", "/no/such/python")
    assert (typed.code, typed.out) == (1, "")
    assert "Tried /no/such/python: not found" in typed.err
    assert "--server-python PATH" in typed.err


@pytest.mark.parametrize(
    ("target", "code", "words"),
    [
        ("ssh:stranger", 4, "Permission denied (publickey)"),
        ("ssh:changed", 4, "Host key verification failed"),
        ("ssh:locked", 4, "Permission denied (publickey)"),
        ("ssh:nowhere.invalid", 3, "Could not resolve hostname"),
        ("ssh:127.0.0.1:1", 1, "Connection refused"),
    ],
)
def test_who_is_not_let_in_hears_it_from_ssh(sshd: Sshd, target: str, code: int, words: str) -> None:
    """Fault 89: ssh's own message, the exit code that belongs to it, and no hang where there is no terminal."""
    typed = pyrometer("ps", target)
    assert (typed.code, typed.out) == (code, "")
    assert words in typed.err


@pytest.mark.parametrize("stdin", [None, os.devnull])
def test_a_passphrase_is_asked_for_on_the_terminal(sshd: Sshd, service: str, stdin: str | None) -> None:
    """The carrier keeps the user's terminal: what is typed there opens the key, also in `while read host; do …`."""
    command = [sys.executable, "-m", "pyrometer.client", "ps", f"ssh:locked/{service}", "-o", "json"]
    pid, terminal = pty.fork()
    if pid == 0:
        if stdin:
            os.dup2(os.open(stdin, os.O_RDONLY), 0)
        os.execv(command[0], command)
    shown, asked = b"", False
    while chunk := read_terminal(terminal):
        shown += chunk
        if b"passphrase" in shown and not asked:
            asked = True
            os.write(terminal, b"sesame\n")
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    assert (os.waitstatus_to_exitcode(status), asked) == (0, True), shown
    assert service.encode() in shown


def read_terminal(terminal: int) -> bytes:
    """Read what a terminal shows; nothing more when its last process has gone."""
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""


def test_a_long_way_makes_a_long_lease(sshd: Sshd, service: str) -> None:
    """Fault 89: 300 ms there and back are no reason to give up."""
    typed = pyrometer("dump", f"ssh:far/{service}", "-o", "json")
    assert typed.code == 0, typed.err
    assert typed.document["processes"][0]["source"] == "agent"


def test_a_network_that_stalls_ends_the_server(sshd: Sshd, service: str) -> None:
    """Fault 10: both ends are well, and nothing comes through any more."""
    place = Place(f"ssh:far/{service}", 0, sshd.mark, frozenset(marked(sshd.mark)))
    with held_look(place) as (_, carrier):
        (network,) = children(carrier)
        os.kill(network, signal.SIGSTOP)
        try:
            until(lambda: not servers(sshd.mark), "the server is gone")
        finally:
            os.kill(network, signal.SIGKILL)


def test_the_secret_of_a_look_is_on_no_command_line(sshd: Sshd, service: str) -> None:
    """Fault 85: who may list processes learns nothing from them."""
    place = Place(f"ssh:quiet/{service}", 0, sshd.mark, frozenset(marked(sshd.mark)))
    with held_look(place) as (looking, _):
        listing = subprocess.run(["ps", "axww", "-o", "args"], capture_output=True, text=True, check=True).stdout
        assert looking.poll() is None
    assert "secret" not in listing
