"""What all carriers have in common: a target, its options, and a program that must be installed."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import Generic, TypeVar

from pyrometer.client.errors import ClientError
from pyrometer.client.targets import ContainerTarget, PodTarget, RemoteOptions, SshTarget
from pyrometer.client.transports import StartFailure, Transport, launcher

TargetT = TypeVar("TargetT", SshTarget, ContainerTarget, PodTarget)


@dataclass(frozen=True)
class Carrier(Generic[TargetT]):
    """A way to a remote target. `shell`: there is a `sh` over there, which finds the interpreter."""

    target: TargetT
    options: RemoteOptions
    shell: bool = True

    @property
    def name(self) -> str:
        """The target as the user types it."""
        return str(self.target)

    @property
    def service(self) -> str | None:
        """The service over there that the target names, if it names one."""
        return self.target.service

    @property
    def pid(self) -> int | None:
        """The process over there that the target names, if it names one."""
        return self.target.pid

    def command(self) -> list[str]:
        """Build what is to run over there."""
        python, run_dir = self.options.server_python, self.options.run_dir
        if self.shell:
            return launcher.shell_command(python, run_dir)
        return launcher.direct_command(python or "python3", run_dir)

    def fallback(self, failure: StartFailure) -> Transport | None:
        """Know no other way."""
        return None


def find_program(*names: str, next: str) -> str:
    """Find the first of these programs on the PATH. Raises ClientError if there is none; `next` says what to do."""
    for name in names:
        if shutil.which(name):
            return name
    raise ClientError(f"There is no {names[0]} on this machine's PATH.", next=next, reason="CARRIER_MISSING")
