"""Lets peers in, or says why not, and gives each link its two threads; with it are the probes that links have armed."""

from __future__ import annotations

import posix
import sys

from pyrometer.agent import peers
from pyrometer.agent.arming import Arming
from pyrometer.agent.identity import VERSION, library_prefixes, original_argv, start_ticks
from pyrometer.agent.links import Link, refuse
from pyrometer.agent.requests import Requests
from pyrometer.agent.sampler import LOOKING
from pyrometer.agent.threads import OWN
from pyrometer.agent.unpatched import native
from pyrometer.guard import permissions
from pyrometer.guard.policy import Policy, in_force
from pyrometer.guard.redaction import Redactor
from pyrometer.link import LINK_VERSION
from pyrometer.link.errors import LinkError, Refused
from pyrometer.link.model import Hello

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from pyrometer.agent.descriptors import OwnedSocket
    from pyrometer.agent.probes import Registry
    from pyrometer.agent.stderr import StandardError

MAX_LINKS = 8
_FAREWELL, _QUIET = 0.5, 0.05
"""Seconds that the end of the process waits for its last events to go out, at most; and for questions about them."""


class Reception:
    """One per process, from the first time that somebody looks. Called on the agent's threads and after a fork.

    `prepare` sees that the modules are there which values and probes need.
    """

    def __init__(self, service: str, stderr: StandardError, prepare: Callable[[], None]) -> None:
        self.stderr = stderr
        self.prepare = prepare
        self.registry = Arming(self._make_registry)
        self._service = service
        self._links: dict[int, Link] = {}

    @property
    def armed(self) -> bool:
        """Whether the service's threads may come upon a probe."""
        return self.registry.armed

    def own_threads(self) -> set[int]:
        """Idents of the agent's threads."""
        return set(OWN.idents())

    def admit(self, connection: OwnedSocket) -> None:
        """Let a peer in, or say why not; a link is served on threads of its own. Never raises."""
        try:
            peer = peers.peer_of(connection.sock)
            policy = in_force()
            self._check(peer, policy)
            self._welcome(connection, peer, policy)
        except LinkError as error:
            self.stderr.line_a_minute(error.reason, f"refused a connection: {error.message}")
            refuse(connection, error)
        except OSError:
            connection.close()

    def close(self) -> None:
        """Disarm all probes and end all links."""
        for link in list(self._links.values()):
            self.registry.release(link)
            link.close()

    def reset_after_fork(self) -> None:
        """In the child: neither links nor probes are its own."""
        self.registry.reset_after_fork()
        for link in self._links.values():
            link.release()
        self._links = {}
        LOOKING.clear()

    def _make_registry(self) -> Registry:
        self.prepare()
        from pyrometer.agent.probes import Registry

        return Registry(in_force, farewell=self._farewell)

    def _farewell(self) -> None:
        """At the end of the process: let those who watch have what has just been emitted."""
        until = native.monotonic() + _FAREWELL
        while not all(link.rests(_QUIET) for link in list(self._links.values())) and native.monotonic() < until:
            native.sleep(0.002)

    def _check(self, peer: peers.Peer, policy: Policy) -> None:
        if why := peers.refusal(peer, policy.peers):
            raise LinkError(f"{_named(peer)}: {why}", reason="PEER_REFUSED")
        if not permissions.has_role(peer.uid, policy, "view"):
            raise Refused(f"{_named(peer)}: the owner's policy gives user {peer.uid} the role none")
        if len(self._links) >= MAX_LINKS:
            raise LinkError(
                f"{MAX_LINKS} links are open already", reason="BUDGET_EXCEEDED", next="try again in a moment"
            )

    def _welcome(self, connection: OwnedSocket, peer: peers.Peer, policy: Policy) -> None:
        link = Link(connection, peer)
        self._links[id(link)] = link
        try:
            OWN.start(self._serve, (link, policy))
        except RuntimeError:
            del self._links[id(link)]
            raise _no_room() from None

    def _serve(self, link: Link, policy: Policy) -> None:
        """A link's first thread: starts the second, answers until the end, and leaves nothing behind."""
        requests = Requests(self, link, policy)
        sent = native.allocate_lock()
        sent.acquire()
        try:
            self._start_writer(link, sent, policy)
            link.serve(requests.handle, lambda: self.registry.tick(native.monotonic()))
        except Exception as error:
            self.stderr.line_a_minute("link", f"a link failed: {type(error).__name__}: {error}")
        finally:
            requests.release()
            link.close()
            sent.acquire(True, 10.0)
            link.release()
            self._links.pop(id(link), None)

    def _start_writer(self, link: Link, sent: Any, policy: Policy) -> None:
        try:
            OWN.start(self._write, (link, sent, policy))
        except RuntimeError:
            sent.release()
            error = _no_room()
            link.refuse(error)
            raise error from None

    def _write(self, link: Link, sent: Any, policy: Policy) -> None:
        """A link's second thread. It says hello, since only now all threads of ours are known."""
        try:
            link.reply({"hello": self._hello(link, policy)._asdict()})
            link.write()
        finally:
            sent.release()

    def _hello(self, link: Link, policy: Policy) -> Hello:
        return Hello(
            link=LINK_VERSION,
            pid=posix.getpid(),
            start_ticks=start_ticks(),
            service=self._service,
            version=VERSION,
            python=".".join(map(str, sys.version_info[:3])),
            implementation=sys.implementation.name,
            uid=posix.geteuid(),
            argv=Redactor.from_policy(policy).argv(original_argv()),
            features=permissions.permitted(link.peer.uid, policy),
            prefixes=library_prefixes(),
            threads=OWN.native_ids(),
        )


def _no_room() -> LinkError:
    return LinkError(
        "the process can't start another thread, so its agent can't serve anybody now",
        next="try again later; a limit of threads (pids.max, ulimit -u) is reached",
        reason="BUDGET_EXCEEDED",
    )


def _named(peer: peers.Peer) -> str:
    return f"process {peer.pid} of user {peer.uid}"
