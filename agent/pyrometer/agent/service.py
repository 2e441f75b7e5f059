"""The agent as a whole: its address, its links, and its life from start through forks to stop."""

from __future__ import annotations

import os
import posix
import sys

from pyrometer.agent import peers
from pyrometer.agent.descriptors import OwnedSocket
from pyrometer.agent.forking import ForkHooks
from pyrometer.agent.identity import VERSION, library_prefixes, original_argv, start_ticks
from pyrometer.agent.links import Link
from pyrometer.agent.listener import Listener
from pyrometer.agent.probes import Registry
from pyrometer.agent.requests import Requests
from pyrometer.agent.sampler import LOOKING
from pyrometer.agent.settings import Settings
from pyrometer.agent.stderr import StandardError
from pyrometer.agent.unpatched import native
from pyrometer.guard.policy import Policy, load
from pyrometer.guard.redaction import Redactor
from pyrometer.link import LINK_VERSION
from pyrometer.link.errors import LinkError
from pyrometer.link.framing import encode
from pyrometer.link.model import Hello, error_reply

MAX_LINKS = 8
_CHILD_DELAY = 0.7
"""Seconds after a fork until the child has an address: one that ends sooner pays for a thread only, and a service
that daemonises or changes its user has done so by then."""
_RETRY = 5.0


class Agent:
    """One per process. Its state is touched by the parked thread and, at a fork, by the child's only thread."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.stderr = StandardError()
        self.running = False
        self._listener: Listener | None = None
        self._links: dict[int, Link] = {}
        self._threads: dict[int, int] = {}
        self._generation = 0
        self._hooks: ForkHooks | None = None
        self.registry = Registry(self._policy, self._redactor)

    def start(self) -> None:
        """Bind the address and park a thread on it. Raises OSError, LinkError."""
        load(os.environ, posix.geteuid())
        self._listener = Listener(self.settings.service, self.settings.run_dir)
        self.running = True
        if self._hooks is None:
            self._hooks = ForkHooks(self._reset_in_child, keep_warning=self.settings.fork_warning)
        self._hooks.active = True
        native.start_new_thread(self._run, (self._generation, 0.0))

    def stop(self) -> None:
        """End all links, give up the address; what stays are at-fork hooks that do nothing."""
        self.running = False
        self._generation += 1
        if self._hooks is not None:
            self._hooks.active = False
        for link in list(self._links.values()):
            self.registry.release(link)
            link.close()
        if self._listener is not None:
            self._listener.wake()
            self._listener.close()
            self._listener = None

    @property
    def address(self) -> str | bytes | None:
        """Where the agent listens at the moment; None in a child that has no address yet."""
        return self._listener.address if self._listener else None

    def own_threads(self) -> set[int]:
        """Idents of the agent's threads."""
        return {*self._threads, *self.registry.own_threads(), *LOOKING}

    def _policy(self) -> Policy:
        """The owner's policy as it is now. Raises LinkError where it turns us off or can't be read."""
        policy = load(os.environ, posix.geteuid())
        if not policy.enabled:
            raise LinkError("the owner's policy has turned pyrometer off", reason="DISABLED")
        return policy

    def _redactor(self) -> Redactor:
        return Redactor.from_policy(load(os.environ, posix.geteuid()))

    def _reset_in_child(self) -> None:
        """Drop what was inherited; get an address of our own a little later."""
        self._generation += 1
        self.registry.reset_after_fork()
        for link in self._links.values():
            link.release()
        self._links, self._threads = {}, {}
        LOOKING.clear()
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        if self.running and self.settings.children:
            native.start_new_thread(self._run, (self._generation, _CHILD_DELAY))

    def _run(self, generation: int, delay: float) -> None:
        """The parked thread. Never raises: nobody would see it but the service's stderr."""
        self._enter()
        try:
            if delay:
                native.sleep(delay)
            while generation == self._generation and self._ready(generation):
                listener = self._listener
                if listener is None:
                    return
                connection = listener.accept()
                if connection is not None:
                    self._admit(connection)
                elif generation == self._generation:
                    listener.close()
                    self._listener = None
        except Exception as error:
            self.stderr.line(f"the agent ended: {type(error).__name__}: {error}")
        finally:
            self._leave()

    def _ready(self, generation: int) -> bool:
        """See that there is an address; without one, try again every few seconds."""
        while self._listener is None and generation == self._generation:
            try:
                self._listener = Listener(self.settings.service, self.settings.run_dir)
            except OSError as error:
                self.stderr.line_a_minute("bind", f"the agent has no address: {error}")
                native.sleep(_RETRY)
        return generation == self._generation

    def _admit(self, connection: OwnedSocket) -> None:
        """Let a peer in, or say why not; each link gets its two threads."""
        try:
            peer = peers.peer_of(connection.sock)
            policy = self._policy()
            self._check(peer, policy)
        except LinkError as error:
            self.stderr.line_a_minute(error.reason, f"refused a connection: {error.message}")
            _refuse(connection, error)
        except OSError:
            connection.close()
        else:
            native.start_new_thread(self._serve, (connection, peer, policy))

    def _check(self, peer: peers.Peer, policy: Policy) -> None:
        if why := peers.refusal(peer, policy.peers):
            raise LinkError(f"{_named(peer)}: {why}", reason="PEER_REFUSED")
        if len(self._links) >= MAX_LINKS:
            raise LinkError(
                f"{MAX_LINKS} links are open already", reason="BUDGET_EXCEEDED", next="try again in a moment"
            )

    def _serve(self, connection: OwnedSocket, peer: peers.Peer, policy: Policy) -> None:
        """A link's first thread: starts the second, answers until the end, and leaves nothing behind."""
        self._enter()
        link = Link(connection, peer)
        self._links[id(link)] = link
        sent = native.allocate_lock()
        sent.acquire()
        redactor = Redactor.from_policy(policy)
        requests = Requests(self, link, policy, redactor)
        native.start_new_thread(self._write, (link, sent, redactor))
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
            self._leave()

    def _write(self, link: Link, sent: object, redactor: Redactor) -> None:
        """A link's second thread. It says hello, since only now all threads of ours are known."""
        self._enter()
        try:
            link.reply({"hello": self._hello(redactor)._asdict()})
            link.write()
        finally:
            self._leave()
            sent.release()  # type: ignore[attr-defined]

    def _hello(self, redactor: Redactor) -> Hello:
        return Hello(
            link=LINK_VERSION,
            pid=posix.getpid(),
            start_ticks=start_ticks(),
            service=self.settings.service,
            version=VERSION,
            python=".".join(map(str, sys.version_info[:3])),
            implementation=sys.implementation.name,
            uid=posix.geteuid(),
            argv=redactor.argv(original_argv()),
            features=["dump", "source", "sample", "probes"],
            prefixes=library_prefixes(),
            threads=list(self._threads.values()),
        )

    def _enter(self) -> None:
        self._threads[native.get_ident()] = native.get_native_id()

    def _leave(self) -> None:
        self._threads.pop(native.get_ident(), None)


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
