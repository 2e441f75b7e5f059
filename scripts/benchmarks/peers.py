"""ddtrace and debugpy at the work that our own probes are measured at, in the environment that `--peers` makes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping

from benchmarks import dap, processes
from benchmarks.model import Beside, Setting

Times = tuple[list[float], list[float]]
"""Without a probe, and with it."""
Arming = Callable[[processes.Program, str, str], contextlib.AbstractContextManager[None]]

_CONDITION = "number < 0"


def measure(
    setting: Setting, place: str, kind: str, measured: Callable[[processes.Program], list[float]]
) -> Mapping[str, Times | str]:
    """What each peer takes without and with something armed at a line, or why it does not; {} unless asked for.

    Args:
        setting: knows whether, and where peers are.
        place: the line, as `work.lines` calls it.
        kind: what is armed there: "false" (a condition that is false), "snapshot", or "stop" (debugpy's alone).
        measured: called without and with it.
    """
    if not setting.peers:
        return {}
    armings: dict[str, Arming] = {"ddtrace": _ddtrace, "debugpy": _debugpy}
    if kind == "snapshot":
        del armings["debugpy"]  # it takes none: it stops the thread
    found: dict[str, Times | str] = {}
    for name, arming in armings.items():
        try:
            with processes.program(f"loops_{name}", python=setting.peers) as target:
                measured(target)
                before = measured(target)
                with arming(target, place, kind):
                    found[name] = before, measured(target)
        except (RuntimeError, OSError) as error:
            found[name] = str(error).strip().rpartition("\n")[2]
    return found


def beside(found: Mapping[str, Times | str], figure: Callable[[Times], float], note: str = "") -> list[Beside]:
    """One number of what was measured, for each peer."""
    return [
        Beside(name, None, times) if isinstance(times, str) else Beside(name, figure(times), note)
        for name, times in found.items()
    ]


@contextlib.contextmanager
def _ddtrace(target: processes.Program, place: str, kind: str) -> Iterator[None]:
    target.ask("arm", place, kind)
    yield


@contextlib.contextmanager
def _debugpy(target: processes.Program, place: str, kind: str) -> Iterator[None]:
    port = int(target.ask("listen"))
    condition = _CONDITION if kind == "false" else None
    with dap.breakpoint_at(port, str(target.ask("file")), int(target.ask("lines")[place]), condition):
        yield
