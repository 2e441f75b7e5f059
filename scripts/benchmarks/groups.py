"""Control groups of our own: one in which the bench comes before what else runs here, and ones with a quota."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

_PERIOD = 100_000
"""Microseconds."""
_ROOTS = (Path("/sys/fs/cgroup/cpu"), Path("/sys/fs/cgroup/cpu,cpuacct"), Path("/sys/fs/cgroup"))


class Unavailable(RuntimeError):
    """No control group can be made here."""


@contextlib.contextmanager
def undisturbed() -> Iterator[bool]:
    """Put ourselves, and all that we start, before what else runs on this machine; yields whether that is permitted.

    Else a busy neighbour's work would be measured with ours.
    """
    try:
        folder = _make("first")
        enter(folder, os.getpid())
    except (Unavailable, OSError):
        yield False
        return
    try:
        yield True
    finally:
        enter(folder.parent, os.getpid())
        _remove(folder)


@contextlib.contextmanager
def limited(cores: float) -> Iterator[Path]:
    """Make a group that may use so many cores together; it is removed afterwards, when all in it have ended.

    Raises:
        Unavailable: no controller for processors can be written to.
    """
    folder = _make("limited")
    try:
        _limit(folder, cores)
        yield folder
    finally:
        _remove(folder)


def enter(folder: Path, pid: int) -> None:
    """Put a process into a group. Raises OSError."""
    (folder / "cgroup.procs").write_text(str(pid))


def _make(name: str) -> Path:
    """A group with the most weight that one can have. Raises Unavailable."""
    root = next((root for root in _ROOTS if _has_controller(root)), None)
    if root is None:
        raise Unavailable("no controller for processors is mounted")
    _tidy(root)
    folder = root / f"pyrometer-bench-{name}-{os.getpid()}"
    try:
        folder.mkdir()
        if (folder / "cpu.shares").exists():
            (folder / "cpu.shares").write_text("262144")
        else:
            (folder / "cpu.weight").write_text("10000")
    except OSError as error:
        _remove(folder)
        raise Unavailable(f"no control group can be made here: {error.strerror}") from None
    return folder


def _tidy(root: Path) -> None:
    """Remove groups of benches that were killed."""
    for folder in root.glob("pyrometer-bench-*"):
        if not Path("/proc", folder.name.rpartition("-")[2]).exists():
            _remove(folder)


def _remove(folder: Path) -> None:
    with contextlib.suppress(OSError):
        folder.rmdir()


def _has_controller(root: Path) -> bool:
    """Whether processors are controlled below this root: by version 1, or by version 2."""
    controllers = root / "cgroup.subtree_control"
    return (root / "cpu.shares").exists() or (controllers.exists() and "cpu" in controllers.read_text().split())


def _limit(folder: Path, cores: float) -> None:
    quota = int(cores * _PERIOD)
    if (folder / "cpu.cfs_quota_us").exists():
        (folder / "cpu.cfs_period_us").write_text(str(_PERIOD))
        (folder / "cpu.cfs_quota_us").write_text(str(quota))
    else:
        (folder / "cpu.max").write_text(f"{quota} {_PERIOD}")
