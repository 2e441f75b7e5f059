"""The user's own ssh as a carrier: their keys, their agent, their configuration, their known hosts."""

from __future__ import annotations

import shlex

from pyrometer.client.errors import ClientError, NotFound, NotPermitted
from pyrometer.client.targets import SshTarget
from pyrometer.client.transports import StartFailure, complaints
from pyrometer.client.transports.carrier import Carrier, find_program
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


class Ssh(Carrier[SshTarget]):
    """A server on another machine, started by ssh. The login shell over there may be any."""

    def argv(self) -> list[str]:
        """Build the ssh command line. Raises ClientError if there is no ssh."""
        program = find_program("ssh", next="Install OpenSSH's client.")
        port = ["-p", str(self.target.port)] if self.target.port else []
        return [program, *_OPTIONS, *port, "--", self.target.destination, f"exec {shlex.join(self.command())}"]

    def explain(self, failure: StartFailure) -> ClientError:
        """Read ssh's 255 and its text; any other status is that of the command over there."""
        own = failure.returncode == 255 or failure.timed_out
        return complaints.explain("ssh", self.target.destination, failure, CAUSES if own else ())
