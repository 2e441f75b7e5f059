"""The user's own ssh as a carrier: their keys, their agent, their configuration, their known hosts."""

from __future__ import annotations

import shlex
import shutil
from dataclasses import dataclass

from pyrometer.client.errors import ClientError, NotFound, NotPermitted
from pyrometer.client.targets import RemoteOptions, SshTarget
from pyrometer.client.transports import StartFailure, Transport, complaints, launcher
from pyrometer.client.transports.complaints import Cause

# -T -a -x: no terminal, agent or display over there. RemoteCommand and the forwardings of the user's configuration
# belong to their logins; ControlMaster=no still uses a master that runs, and leaves none behind.
_OPTIONS = (
    "-T", "-a", "-x",
    "-o", "ClearAllForwardings=yes",
    "-o", "RemoteCommand=none",
    "-o", "ControlMaster=no",
)  # fmt: skip

CAUSES = (
    Cause(
        r"REMOTE HOST IDENTIFICATION HAS CHANGED|Host key verification failed|No .* host key is known",
        NotPermitted,
        "HOST_KEY_REFUSED",
        "Log in once with ssh by hand; if the key has changed, find out why before you accept it.",
    ),
    Cause(
        r"Permission denied|Too many authentication failures|No supported authentication methods",
        NotPermitted,
        "IDENTITY_REFUSED",
        "Log in with ssh by hand: what works there works here. Without a terminal, ssh needs a key or an agent.",
    ),
    Cause(
        r"Could not resolve hostname|No route to host|Network is unreachable",
        NotFound,
        "NO_SUCH_HOST",
        "Check the name; `ssh -G HOST` shows what your ssh configuration makes of it.",
    ),
    Cause(
        r"Connection refused|Connection timed out|Operation timed out|Connection (closed|reset) by",
        ClientError,
        "HOST_UNREACHABLE",
        "Is sshd running there, and on that port? ssh:USER@HOST:PORT names another one.",
    ),
)


@dataclass(frozen=True)
class Ssh:
    """A server on another machine, started by ssh. The login shell over there may be any."""

    target: SshTarget
    options: RemoteOptions

    @property
    def name(self) -> str:
        return str(self.target)

    @property
    def service(self) -> str | None:
        return self.target.service

    @property
    def pid(self) -> int | None:
        return self.target.pid

    def argv(self) -> list[str]:
        """Build the ssh command line. Raises ClientError if there is no ssh."""
        if shutil.which("ssh") is None:
            raise ClientError(
                "There is no ssh on this machine's PATH.", next="Install OpenSSH's client.", reason="CARRIER_MISSING"
            )
        port = ["-p", str(self.target.port)] if self.target.port else []
        command = launcher.shell_command(self.options.server_python, self.options.run_dir)
        return ["ssh", *_OPTIONS, *port, "--", self.target.destination, f"exec {shlex.join(command)}"]

    def fallback(self, failure: StartFailure) -> Transport | None:
        """There is none: a machine that lets us log in has a shell."""
        return None

    def explain(self, failure: StartFailure) -> ClientError:
        """Read ssh's 255 and its text; any other status is that of the command over there."""
        own = failure.returncode == 255 or failure.timed_out
        return complaints.explain("ssh", self.target.destination, failure, CAUSES if own else ())
