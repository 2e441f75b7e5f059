"""Questions asked, and processes run, as another user: by root, in a child of the tests' own."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
from collections.abc import Callable, Iterator

NOBODY = 65534
_PR_SET_DUMPABLE, _PR_SET_KEEPCAPS = 4, 8
_CLONE_NEWNS, _MS_PRIVATE, _MS_REC = 0x20000, 1 << 18, 1 << 14
_libc = ctypes.CDLL(None)


def as_nobody(question: Callable[[], str], before: Callable[[], object] = lambda: None) -> str:
    """What a child of another user answers; `before` is done as root."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            before()
            become(NOBODY)
            os.write(writer, question().encode())
        except BaseException as error:  # noqa: BLE001 - the answer is what went wrong
            os.write(writer, repr(error).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answers:
        said = answers.read()
    os.waitpid(child, 0)
    return said


@contextlib.contextmanager
def waiting(*steps: Callable[[], object]) -> Iterator[int]:
    """Fork a process that does the steps and waits, until it is killed; its pid."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            for step in steps:
                step()
            os.write(writer, b"ready")
            signal.pause()
        finally:
            os._exit(0)
    os.close(writer)
    try:
        assert os.read(reader, 16) == b"ready"
        yield child
    finally:
        os.close(reader)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def become(uid: int, gid: int | None = None) -> None:
    """Change the user and the group for good."""
    os.setgroups([])
    os.setgid(uid if gid is None else gid)
    os.setuid(uid)


def be_dumpable(*, yes: bool) -> None:
    """Let the own user read this process, or not."""
    _libc.prctl(_PR_SET_DUMPABLE, int(yes), 0, 0, 0)


def keep_capabilities() -> None:
    """Keep what root may do, as permitted, over a change of user."""
    _libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0)


def hide_others() -> None:
    """Mount /proc anew, for this process alone, so that it shows each user their own processes."""
    assert _libc.unshare(_CLONE_NEWNS) == 0
    assert _libc.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None) == 0
    assert _libc.mount(b"proc", b"/proc", b"proc", 0, b"hidepid=2") == 0
