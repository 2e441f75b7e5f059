"""This machine as a target: a server started by the interpreter that runs us."""

from __future__ import annotations

import os
import sys

from pyrometer.client.errors import ClientError
from pyrometer.client.targets import LocalTarget, RemoteOptions
from pyrometer.client.transports import StartFailure, Transport, complaints


class Local:
    """A server beside us, as a child on its stdio."""

    def __init__(self, target: LocalTarget, options: RemoteOptions) -> None:
        self.target = target
        self.options = options

    @property
    def name(self) -> str:
        """The target as the user types it."""
        return str(self.target)

    @property
    def service(self) -> str | None:
        """The service that the target names, if it names one."""
        return self.target.service

    @property
    def pid(self) -> int | None:
        """The process that the target names, if it names one."""
        return self.target.pid

    def argv(self) -> list[str]:
        """Our interpreter, or the one that the user named."""
        return [self.options.server_python or sys.executable, "-P", "-m", "pyrometer.server"]

    def environment(self) -> dict[str, str]:
        """Ours without any PYTHON*, but for the folders that we came from ourselves where they are no site's."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        kept.pop("PYROMETER_SERVICE", None)
        kept["PYROMETER_STARTER"] = str(os.getpid())  # by this the server knows that it may die with its parent
        if self.options.run_dir:
            kept["PYROMETER_RUN_DIR"] = self.options.run_dir
        roots = _roots_from_pythonpath()
        if roots:
            kept["PYTHONPATH"] = os.pathsep.join(roots)
        return kept

    def fallback(self, failure: StartFailure) -> Transport | None:
        """Know no other way."""
        return None

    def explain(self, failure: StartFailure) -> ClientError:
        """Pass on what the interpreter said."""
        return complaints.explain("the server's Python", "this machine", failure, ())


def _roots_from_pythonpath() -> list[str]:
    """Entries of PYTHONPATH that hold pyrometer: without them the server would not find itself."""
    entries = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return [os.path.abspath(entry) for entry in entries if entry and os.path.isdir(os.path.join(entry, "pyrometer"))]
