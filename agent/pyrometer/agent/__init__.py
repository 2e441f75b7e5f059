"""The part of Pyrometer that lives inside a service. Standard library only.

    import pyrometer.agent
    pyrometer.agent.start(service="shop")

It parks one thread on a unix socket and does nothing until somebody looks. Without a change to the code:
`pyrometer run --service shop -- gunicorn …`.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyrometer.agent.service import Agent

__all__ = ["start", "stop"]

_agent: Agent | None = None


def start(
    service: str | None = None,
    *,
    run_dir: str | None = None,
    children: bool | None = None,
    fork_warning: bool | None = None,
    outside: bool | None = None,
    strict: bool = False,
) -> bool:
    """Make this process one that can be looked into; returns whether it is. A second call does nothing.

    Args:
        service: name that all processes of the service share; else PYROMETER_SERVICE, OTEL_SERVICE_NAME, or the
            program's name.
        run_dir: folder for a socket file instead of an abstract address; else PYROMETER_RUN_DIR.
        children: whether forked children get an agent too (PYROMETER_CHILDREN; default yes).
        fork_warning: leave Python's DeprecationWarning about forks beside a second thread as it is, also where ours
            is the only one (PYROMETER_FORK_WARNING; default no).
        outside: allow any process of the same user to read this one from outside where Yama would forbid it
            (PYROMETER_OUTSIDE; default no).
        strict: raise what goes wrong, instead of one line on stderr.

    Raises:
        RuntimeError: only with `strict`: it can't start here, and why.
    """
    from pyrometer.agent import starting

    global _agent
    if _agent is not None and _agent.here:
        return True
    _agent = starting.start(
        service=service,
        run_dir=run_dir,
        children=children,
        fork_warning=fork_warning,
        outside=outside,
        strict=strict,
        earlier=_agent,
    )
    return _agent is not None and _agent.here


def stop() -> None:
    """Disarm all probes, end all links and give up the address. What stays are at-fork hooks that do nothing."""
    if _agent is not None:
        _agent.stop()
