"""Lets peers in, or says why not, and gives each link its two threads; with it are the probes that links have armed."""

from __future__ import annotations

import os
import posix
import sys

from pyrometer.agent import peers
from pyrometer.agent.identity import VERSION, library_prefixes, original_argv, start_ticks
from pyrometer.agent.links import Link
from pyrometer.agent.probes import Registry
from pyrometer.agent.requests import Requests
from pyrometer.agent.sampler import LOOKING
from pyrometer.agent.unpatched import native
from pyrometer.guard import permissions
from pyrometer.guard.policy import Policy, load
from pyrometer.guard.redaction import Redactor
from pyrometer.link import LINK_VERSION
from pyrometer.link.errors import LinkError, Refused
from pyrometer.link.framing import encode
from pyrometer.link.model import Hello, error_reply

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyrometer.agent.descriptors import OwnedSocket
    from pyrometer.agent.service import Threads
    from pyrometer.agent.stderr import StandardError

MAX_LINKS = 8


class Reception:
    """One per process, from the first time that somebody looks. Called on the agent's threads and after a fork."""

    def __init__(self, service: str, threads: Threads, stderr: StandardError) -> None:
        self.stderr = stderr
        self.registry = Registry(_policy, _redactor)
        self._service = service
        self._threads = threads
        self._links: dict[int, Link] = {}

    @property
    def armed(self) -> bool:
        """Whether the service's threads may come upon a probe."""
        return self.registry.armed

    def own_threads(self) -> set[int]:
        """Idents of the agent's threads."""
        return {*self._threads.idents(), *self.registry.own_threads(), *LOOKING}

    def admit(self, connection: OwnedSocket) -> None:
        """Let a peer in, or say why not; a link is served on threads of its own. Never raises."""
        try:
            peer = peers.peer_of(connection.sock)
            policy = _policy()
            self._check(peer, policy)
        except LinkError as error:
            self.stderr.line_a_minute(error.reason, f"refused a connection: {error.message}")
            _refuse(connection, error)
        except OSError:
            connection.close()
        else:
            native.start_new_thread(self._serve, (connection, peer, policy))

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

    def _check(self, peer: peers.Peer, policy: Policy) -> None:
        if why := peers.refusal(peer, policy.peers):
            raise LinkError(f"{_named(peer)}: {why}", reason="PEER_REFUSED")
        if not permissions.has_role(peer.uid, policy, "view"):
            raise Refused(f"{_named(peer)}: the owner's policy gives user {peer.uid} the role none")
        if len(self._links) >= MAX_LINKS:
            raise LinkError(
                f"{MAX_LINKS} links are open already", reason="BUDGET_EXCEEDED", next="try again in a moment"
            )

    def _serve(self, connection: OwnedSocket, peer: peers.Peer, policy: Policy) -> None:
        """A link's first thread: starts the second, answers until the end, and leaves nothing behind."""
        self._threads.enter()
        link = Link(connection, peer)
        self._links[id(link)] = link
        sent = native.allocate_lock()
        sent.acquire()
        redactor = Redactor.from_policy(policy)
        requests = Requests(self, link, policy, redactor)
        native.start_new_thread(self._write, (link, sent, policy, redactor))
        try:
            link.serve(requests.handle, lambda: self.registry.tick(native.monotonic()))
        except Exception as error:
            self.stderr.line_a_minute("link", f"a link failed: {type(error).__name__}: {error}")
        finally:
            requests.release()
            link.close()
            sent.acquire(True, 10.0)
            link.release()
            self._links.pop(id(link), None)
            self._threads.leave()

    def _write(self, link: Link, sent: object, policy: Policy, redactor: Redactor) -> None:
        """A link's second thread. It says hello, since only now all threads of ours are known."""
        self._threads.enter()
        try:
            link.reply({"hello": self._hello(link, policy, redactor)._asdict()})
            link.write()
        finally:
            self._threads.leave()
            sent.release()  # type: ignore[attr-defined]

    def _hello(self, link: Link, policy: Policy, redactor: Redactor) -> Hello:
        return Hello(
            link=LINK_VERSION,
            pid=posix.getpid(),
            start_ticks=start_ticks(),
            service=self._service,
            version=VERSION,
            python=".".join(map(str, sys.version_info[:3])),
            implementation=sys.implementation.name,
            uid=posix.geteuid(),
            argv=redactor.argv(original_argv()),
            features=permissions.permitted(link.peer.uid, policy),
            prefixes=library_prefixes(),
            threads=self._threads.native_ids(),
        )


def _policy() -> Policy:
    """The owner's policy as it is now. Raises LinkError where it turns us off or can't be read."""
    policy = load(os.environ, posix.geteuid())
    if not policy.enabled:
        raise LinkError("the owner's policy has turned pyrometer off", reason="DISABLED")
    return policy


def _redactor() -> Redactor:
    return Redactor.from_policy(load(os.environ, posix.geteuid()))


def _refuse(connection: OwnedSocket, error: LinkError) -> None:
    """Say why, as far as that goes without waiting, and hang up."""
    try:
        connection.sock.setblocking(False)
        connection.sock.send(encode({"refused": error_reply(error)}))
    except OSError:
        pass
    connection.close()


def _named(peer: peers.Peer) -> str:
    return f"process {peer.pid} of user {peer.uid}"
