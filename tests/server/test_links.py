"""The server's end of a link, against whatever may listen at the other one."""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from tests.support.services import crowd

from pyrometer.link.errors import LinkClosed
from pyrometer.link.framing import encode
from pyrometer.server import kernel, links
from pyrometer.server.addresses import Address
from pyrometer.server.links import AgentBusy, AgentLink, Stranger, open_link


@contextlib.contextmanager
def listening(backlog: int = 8) -> Iterator[tuple[socket.socket, Address]]:
    """A listener that is no agent, and its address."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(f"\0test.{os.urandom(8).hex()}")
        sock.listen(backlog)
        yield sock, Address(os.getpid(), sock.getsockname().decode())


@contextlib.contextmanager
def linked(say: Callable[[socket.socket], None]) -> Iterator[AgentLink]:
    """A link to something that says what it likes, over and over, until it is hung up on."""

    def talk(peer: socket.socket) -> None:
        with contextlib.suppress(OSError), peer:
            while True:
                say(peer)

    with listening() as (sock, address), contextlib.closing(AgentLink.connect(address)) as link:
        peer, _ = sock.accept()
        thread = threading.Thread(target=talk, args=(peer,))
        thread.start()
        try:
            yield link
        finally:
            link.close()
            thread.join(30)


def test_a_full_queue_means_busy() -> None:
    """Fault 5: looks that gave up stay in the queue of an agent that can't accept; there is one all the same."""
    with listening(0) as (_, address), contextlib.ExitStack() as waiting:
        crowd(address.name, waiting)
        with pytest.raises(AgentBusy):
            open_link([address])
        with pytest.raises(AgentBusy):
            open_link([address, Address(os.getpid(), "\0nobody")])


def test_drops_do_not_outlast_the_deadline() -> None:
    """Each one comes in time, and the message never ends."""
    frame = itertools.chain((0, 16, 0, 0), itertools.repeat(ord(" ")))

    def drip(peer: socket.socket) -> None:
        peer.sendall(bytes([next(frame)]))
        time.sleep(0.01)

    with linked(drip) as link, pytest.raises(AgentBusy):
        link.await_hello(time.monotonic() + 0.3)


@pytest.mark.parametrize("message", [{"event": "hit", "x": [{}] * 1000}, {"ok": {}, "id": 7}])
def test_a_flood_ends_the_conversation(message: dict[str, object]) -> None:
    """What was not asked for is kept up to a bound, and the deadline holds while something comes."""
    with linked(lambda peer: peer.sendall(encode(message) * 100)) as link, pytest.raises(LinkClosed, match="more than"):
        link.call("dump", time.monotonic() + 600)
    with linked(lambda peer: peer.sendall(encode(message))) as link, pytest.raises((AgentBusy, LinkClosed)):
        link.call("dump", time.monotonic() + 0.1)


ROOT, OURS, THEIRS, OTHERS = 0, 1000, 2000, 3000


@pytest.mark.parametrize(("us", "listener"), [(OURS, OURS), (OURS, ROOT), (ROOT, ROOT), (ROOT, THEIRS)])
def test_who_listens_is_believed_by_the_kernels_word(us: int, listener: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Our own user and root; to root, the one that the process has. A master of root's is listening for its workers."""
    monkeypatch.setattr(os, "geteuid", lambda: us)
    monkeypatch.setattr(kernel, "uid_of", lambda _: THEIRS)
    links._check_listener(1, 1, listener)
    with pytest.raises(LinkClosed):
        links._check_listener(1, 2, listener)


@pytest.mark.parametrize(("us", "listener"), [(OURS, THEIRS), (ROOT, OTHERS)])
def test_another_user_is_not_believed(us: int, listener: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever its address says."""
    monkeypatch.setattr(os, "geteuid", lambda: us)
    monkeypatch.setattr(kernel, "uid_of", lambda _: THEIRS)
    with pytest.raises(Stranger):
        links._check_listener(1, 1, listener)
