"""How to start a server where the target is: one carrier a module, each a program that the user already has.

A transport knows a command line and how to read the carrier's complaints; it starts nothing itself. A session starts
`argv()`, waits for the server's magic line on its stdout, and, if that does not come, asks `fallback()` for another
way and `explain()` for the words.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from pyrometer.client.errors import ClientError, UsageFault
from pyrometer.client.targets import ContainerTarget, PodTarget, RemoteOptions, RemoteTarget, SshTarget


class StartFailure(NamedTuple):
    """What is known about a carrier that did not bring a server, or that lost it.

    `returncode` is the carrier's, None while it still runs; `noise` is what it printed before the magic line and
    `stderr` what it complained, both as far as they were kept. `started`: the server had answered before.
    """

    returncode: int | None
    noise: bytes
    stderr: str
    timed_out: bool
    started: bool = False


class Transport(Protocol):
    """One way to a server: a command whose stdin and stdout become the connection."""

    @property
    def name(self) -> str:
        """What the user typed, for messages: `ssh:web1`."""

    @property
    def service(self) -> str | None:
        """The service over there that the target names, if it names one."""

    @property
    def pid(self) -> int | None:
        """The process over there that the target names, if it names one."""

    def argv(self) -> list[str]:
        """The command that starts the server over there. Raises ClientError where its program is not installed."""

    def fallback(self, failure: StartFailure) -> Transport | None:
        """Another way to the same target that may work after this failure, or None."""

    def explain(self, failure: StartFailure) -> ClientError:
        """Words, next step and exit code for a failure, the carrier's own message passed on."""


def remote_transport(target: RemoteTarget, options: RemoteOptions) -> Transport:
    """Choose the carrier of a remote target. Raises UsageFault for an option that this carrier has no use for."""
    _refuse_stray_options(target, options)
    if isinstance(target, SshTarget):
        from pyrometer.client.transports.ssh import Ssh

        return Ssh(target, options)
    if isinstance(target, ContainerTarget):
        from pyrometer.client.transports.container import Container

        return Container(target, options)
    from pyrometer.client.transports.kubernetes import Kubernetes

    return Kubernetes(target, options)


def _refuse_stray_options(target: RemoteTarget, options: RemoteOptions) -> None:
    if isinstance(target, PodTarget):
        return
    for option in ("container", "namespace", "context"):
        if getattr(options, option) is not None:
            raise UsageFault(f"--{option} is for k8s: targets; {target} is none.")
