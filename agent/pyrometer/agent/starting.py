"""Whether the agent can start here, and what is said where it can't: one line, and the service goes on."""

from __future__ import annotations

import os
import sys

from pyrometer.agent.service import Agent
from pyrometer.agent.settings import Settings
from pyrometer.agent.stderr import StandardError
from pyrometer.guard.policy import load

_PR_SET_PTRACER = 0x59616D61
_PR_SET_PTRACER_ANY = -1


def start(
    *,
    service: str | None,
    run_dir: str | None,
    children: bool | None,
    fork_warning: bool | None,
    outside: bool | None,
    strict: bool,
    earlier: Agent | None,
) -> Agent | None:
    """Start an agent; None where it can't. `earlier` is one that was stopped: its hooks serve again.

    Raises:
        RuntimeError: only with `strict`.
    """
    try:
        _check_place()
        settings = Settings.read(
            os.environ,
            service=service,
            run_dir=run_dir,
            children=children,
            fork_warning=fork_warning,
            outside=outside,
            strict=strict,
        )
        policy = load()
        agent = earlier or Agent(settings)
        agent.settings = settings
        agent.start()
        if settings.outside or policy.outside:
            _let_outside_in()
    except Exception as error:  # whatever it is, the service goes on
        if strict:
            raise RuntimeError(f"the agent of pyrometer did not start: {error}") from error
        StandardError().line(f"the agent did not start: {error}")
        return None
    return agent


def _check_place() -> None:
    """Raises RuntimeError where no agent can be."""
    if not sys.platform.startswith("linux"):
        raise RuntimeError(f"it needs Linux, this is {sys.platform}")
    if sys.implementation.name != "cpython" or sys.version_info < (3, 11):
        raise RuntimeError(
            f"it needs CPython 3.11 or newer, this is {sys.implementation.name} {sys.version.split()[0]}"
        )
    if _in_uwsgis_master():
        raise RuntimeError(
            "this is uWSGI's master, which forks in C, so that a thread in it can make a worker hang: "
            "start uWSGI with --lazy-apps, or with --py-call-uwsgi-fork-hooks"
        )
    if _in_subinterpreter():
        raise RuntimeError("it runs in the main interpreter only, and this is a subinterpreter")


def _in_uwsgis_master() -> bool:
    """Whether workers will be forked from here without a word to Python."""
    uwsgi = sys.modules.get("uwsgi")
    options = getattr(uwsgi, "opt", None)
    if type(options) is not dict or getattr(uwsgi, "worker_id", int)() != 0:
        return False
    given = {os.fsdecode(name) for name in options if type(name) in (str, bytes)}
    return given.isdisjoint(("py-call-uwsgi-fork-hooks", "py-call-osafterfork"))


def _in_subinterpreter() -> bool:
    try:
        interpreters = __import__("_interpreters" if sys.version_info >= (3, 13) else "_xxsubinterpreters")
        return bool(interpreters.get_current() != interpreters.get_main())
    except ImportError:
        return False


def _let_outside_in() -> None:
    """Declare that any process may trace this one, as far as Yama is concerned; elsewhere it is a harmless EINVAL."""
    import ctypes

    ctypes.CDLL(None).prctl(_PR_SET_PTRACER, _PR_SET_PTRACER_ANY, 0, 0, 0)
