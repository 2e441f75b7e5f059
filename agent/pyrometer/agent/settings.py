"""How the agent was asked to behave: by arguments of `start`, else by PYROMETER_* variables."""

from __future__ import annotations

import sys

from pyrometer.agent.identity import clean_service, default_service
from pyrometer.link.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


class Settings(NamedTuple):
    """Fixed at the start; the policy is what can change while the process runs."""

    service: str
    run_dir: str | None = None
    """Folder for a socket file, instead of an abstract address."""
    children: bool = True
    """Whether forked children get an agent of their own."""
    fork_warning: bool = False
    """Whether Python's warning about forks beside a second thread is left as it is."""
    outside: bool = False
    """Declare PR_SET_PTRACER_ANY, so that Yama lets a reader from outside in."""
    strict: bool = False
    """Whether a start that fails raises."""

    @classmethod
    def read(
        cls,
        environ: Mapping[str, str],
        *,
        service: str | None,
        run_dir: str | None,
        children: bool | None,
        fork_warning: bool | None,
        outside: bool | None,
        strict: bool,
    ) -> Settings:
        """Fill in what was not given from the environment."""
        return cls(
            service=clean_service(service) if service else default_service(environ, sys.orig_argv),
            run_dir=run_dir or environ.get("PYROMETER_RUN_DIR") or None,
            children=_flag(children, environ.get("PYROMETER_CHILDREN"), default=True),
            fork_warning=_flag(fork_warning, environ.get("PYROMETER_FORK_WARNING"), default=False),
            outside=_flag(outside, environ.get("PYROMETER_OUTSIDE"), default=False),
            strict=strict,
        )


def _flag(given: bool | None, variable: str | None, *, default: bool) -> bool:  # noqa: FBT001
    if given is not None:
        return given
    if variable is None or variable == "":
        return default
    return variable.lower() not in ("0", "false", "no", "off")
