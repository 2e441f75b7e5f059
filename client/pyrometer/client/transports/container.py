"""docker or podman as a carrier into a container of this machine, or of the one that their configuration names."""

from __future__ import annotations

import re
from dataclasses import replace

from pyrometer.client.errors import ClientError, NotFound, NotPermitted
from pyrometer.client.targets import ContainerTarget
from pyrometer.client.transports import StartFailure, Transport, complaints
from pyrometer.client.transports.carrier import Carrier, find_program
from pyrometer.client.transports.complaints import Cause

NO_SHELL = re.compile(r"(exec: \"sh\"|executable file .?sh.? )[^\n]*not found|sh[\"':]* ?no such file", re.IGNORECASE)
"""How the runtimes say that an image has no `sh`: runc's words, then crun's."""

CAUSES = (
    Cause(
        r"no such container|no container with name or id",
        NotFound,
        "NO_SUCH_CONTAINER",
        "`docker ps` (or `podman ps`) lists the running ones; podman shows only those of the user who asks.",
    ),
    Cause(
        r"is not running|container state improper|is paused",
        NotFound,
        "CONTAINER_NOT_RUNNING",
        "Nothing runs in it now: start it, or look at the container that took its place.",
    ),
    Cause(
        r"permission denied while trying to connect|got permission denied|connect: permission denied",
        NotPermitted,
        "IDENTITY_REFUSED",
        "Your user may not talk to the container engine: join its group, or use sudo.",
    ),
    Cause(
        r"cannot connect to the docker daemon|is the docker daemon running|unable to connect to podman",
        ClientError,
        "ENGINE_UNREACHABLE",
        "Start the container engine, or name another one by DOCKER_HOST; podman:CONTAINER uses podman.",
    ),
    Cause(
        r"executable file [^\n]*not found|no such file or directory",
        ClientError,
        "NO_INTERPRETER",
        "Name an interpreter of the image that has pyrometer: --server-python PATH",
    ),
)


class Container(Carrier[ContainerTarget]):
    """A server inside a container, as the container's own user."""

    def argv(self) -> list[str]:
        """Build the exec command line. Raises ClientError if the engine's program is missing."""
        return [self._program(), "exec", "-i", "-w", "/", self.target.container, *self.command()]

    def fallback(self, failure: StartFailure) -> Transport | None:
        """Go without the shell: an image that has none may have an interpreter all the same."""
        if self.shell and not failure.started and NO_SHELL.search(failure.stderr):
            return replace(self, shell=False)
        return None

    def explain(self, failure: StartFailure) -> ClientError:
        """Read the engine's text; the status alone may be that of the command inside."""
        return complaints.explain(self._program(), f"container {self.target.container}", failure, CAUSES)

    def _program(self) -> str:
        """Choose what to run: `docker:` is podman's too where there is no docker."""
        names = ("docker", "podman") if self.target.engine == "docker" else ("podman",)
        return find_program(*names, next="Type this on the machine that runs the container, or see docs/ssh.md.")
