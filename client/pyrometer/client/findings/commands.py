"""The next command to type: `pyrometer VERB TARGET`, so that it leads to the same processes by the same way."""

from __future__ import annotations

import shlex
from dataclasses import replace

from pyrometer.client.options import Where
from pyrometer.client.targets import LocalTarget


class Commands:
    """Makes commands for the target that was looked at."""

    def __init__(self, where: Where) -> None:
        self._where = where

    def type(self, verb: str, pid: int | None = None, options: str = "", *, everything: bool = False) -> str:
        """A command for one process, for all that were looked at, or for everything that is there."""
        target = self._where.target
        if pid is not None or everything:
            target = replace(target, service=None, pid=pid)
        words = [] if target == LocalTarget() else [str(target)]
        if pid is None and self._where.pid is not None and not everything:
            words += ["--pid", str(self._where.pid)]
        typed = " ".join(shlex.quote(word) for word in (*words, *self._way_there()))
        return " ".join(filter(None, ["pyrometer", verb, typed, options]))

    def _way_there(self) -> list[str]:
        remote = self._where.remote
        given = (
            ("-c", remote.container),
            ("--namespace", remote.namespace),
            ("--context", remote.context),
            ("--server-python", remote.server_python),
            ("--run-dir", remote.run_dir),
        )
        return [word for option, value in given if value is not None for word in (option, value)]
