"""The agent as a whole: its address, and its life from start through forks to stop."""

from __future__ import annotations

import posix

from pyrometer.agent.deferred import LOOKING, Deferred
from pyrometer.agent.forking import ForkHooks
from pyrometer.agent.listener import Listener
from pyrometer.agent.settings import Settings
from pyrometer.agent.stderr import StandardError
from pyrometer.agent.threads import OWN
from pyrometer.agent.unpatched import native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyrometer.agent.descriptors import OwnedSocket
    from pyrometer.agent.reception import Reception

_CHILD_DELAY = 0.7
"""Seconds after a fork until the child has an address: one that ends sooner pays for a thread only, and a service
that daemonises or changes its user has done so by then."""
_RETRY = 5.0


class Agent:
    """One per process. Its state is touched by the parked thread and, at a fork, by the child's only thread."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.running = False
        self.reception: Reception | None = None
        """What is there for those who look, from the first of them on."""
        self._stderr = StandardError()
        self._deferred = Deferred()
        self._listener: Listener | None = None
        self._generation = 0
        self._pid = 0
        self._home = 0
        """The process that it runs in, or will in a moment."""
        self._hooks: ForkHooks | None = None

    @property
    def here(self) -> bool:
        """Whether it runs, and in this process: a fork in C (uWSGI's) may copy it without telling anybody."""
        return self.running and self._home == posix.getpid()

    def start(self) -> None:
        """Bind the address and park a thread on it. Raises OSError, ImportError, RuntimeError."""
        self._settle()
        self._deferred.read()
        self._listener = Listener(self.settings.service, self.settings.run_dir)
        self._generation += 1
        self._home = self._pid
        self.running = True
        if self._hooks is None:
            self._hooks = ForkHooks(self._after_fork, keep_warning=self.settings.fork_warning)
        self._hooks.active = True
        try:
            OWN.start(self._run, (self._generation,))
        except RuntimeError:
            self.stop()
            raise

    def stop(self) -> None:
        """End all links, give up the address; what stays are at-fork hooks that do nothing."""
        self.running = False
        self._generation += 1
        self._settle()
        if self._hooks is not None:
            self._hooks.active = False
        if self.reception is not None:
            self.reception.close()
        if self._listener is not None:
            self._listener.wake()
            self._listener.close()
            self._listener = None

    def _after_fork(self) -> None:
        """In the child: have an address a little later.

        Most children end or change before that, and each page that is touched here has to be copied: so what was
        inherited is let go of later too, unless it would be used until then.
        """
        OWN.forget()
        stays = self.running and self.settings.children
        if not stays or (self.reception is not None and self.reception.armed):
            self._settle()
        if stays:
            self._home = posix.getpid()
            self._generation += 1
            OWN.start(self._begin_anew, (self._generation,))

    def _begin_anew(self, generation: int) -> None:
        """A child's parked thread."""
        native.sleep(_CHILD_DELAY)
        if generation == self._generation:
            self._settle()
            if self.reception is not None:
                self.reception.registry.give_back()
            self._run(generation)

    def _settle(self) -> None:
        """Let go of what a child has inherited; in the process that it belongs to nothing happens."""
        pid = posix.getpid()
        if pid == self._pid:
            return
        self._pid = pid
        self._deferred.reset_after_fork()
        if self.reception is not None:
            self.reception.reset_after_fork()
        OWN.forget()
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def _run(self, generation: int) -> None:
        """The parked thread. Never raises: nobody would see it but the service's stderr."""
        try:
            while generation == self._generation and self._ready(generation):
                listener = self._listener
                if listener is None:
                    return
                connection = listener.accept()
                if connection is not None:
                    self._receive(connection)
                elif generation == self._generation:
                    listener.close()
                    self._listener = None
        except Exception as error:
            self._stderr.line(f"the agent ended: {type(error).__name__}: {error}")

    def _ready(self, generation: int) -> bool:
        """See that there is an address; without one, try again every few seconds."""
        while self._listener is None and generation == self._generation:
            try:
                self._listener = Listener(self.settings.service, self.settings.run_dir)
            except OSError as error:
                self._stderr.line_a_minute("bind", f"the agent has no address: {error}")
                native.sleep(_RETRY)
        return generation == self._generation

    def _receive(self, connection: OwnedSocket) -> None:
        """Hand a connection over to the reception, which the first one opens."""
        if self.reception is None:
            self._deferred.run(LOOKING)
            from pyrometer.agent.reception import Reception

            self.reception = Reception(self.settings.service, self._stderr, self._deferred.run)
        self.reception.admit(connection)
