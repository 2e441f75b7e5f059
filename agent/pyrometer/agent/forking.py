"""What happens around a fork: a child starts with nothing of its parent's, and the interpreter does not cry wolf.

Since 3.12 `os.fork()` beside any second thread emits a DeprecationWarning, and ours is a second thread. Leaving before
the fork does not help (3.13 warns all the same); a filter for exactly that message does, put in only while all but
one of the threads are ours, so that the service still hears of threads of its own.
"""

from __future__ import annotations

import posix
import sys

from pyrometer.agent.threads import OWN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_MESSAGE = r"This process \(pid=\d+\) is multi-threaded, use of (fork|forkpty)\(\) may lead to deadlocks in the child"


class ForkHooks:
    """Registers once per interpreter: at-fork hooks can't be taken back, so that after a stop they are inert."""

    def __init__(self, in_child: Callable[[], None], *, keep_warning: bool) -> None:
        self.active = True
        self._in_child = in_child
        self._keep_warning = keep_warning or sys.version_info < (3, 12)
        self._filter: object | None = None
        posix.register_at_fork(before=self._before, after_in_child=self._after_in_child)

    def _before(self) -> None:
        if not self.active or self._keep_warning:
            return
        try:
            self._silence(wanted=_threads() - OWN.count() <= 1)
        except Exception:  # whatever it is, the service's fork goes on
            pass

    def _after_in_child(self) -> None:
        if not self.active:
            return
        try:
            self._in_child()
        except Exception:
            self.active = False

    def _silence(self, *, wanted: bool) -> None:
        """Put our filter first, or take it out. Left in place until the next fork: the warning comes after it."""
        if not wanted and "warnings" not in sys.modules:
            return
        warnings: Any = __import__("warnings")
        present = self._filter is not None and self._filter in warnings.filters
        if wanted and not (present and warnings.filters[0] is self._filter):
            warnings.filterwarnings("ignore", message=_MESSAGE, category=DeprecationWarning)
            self._filter = warnings.filters[0]
        elif present and not wanted:
            warnings.filters.remove(self._filter)
            self._filter = None
            getattr(warnings, "_filters_mutated", getattr(warnings, "_filters_mutated_lock_held", lambda: None))()


def _threads() -> int:
    """Threads of this process, with those that the interpreter does not know: it counts them so before it warns.

    A folder for each is in /proc/self/task, which is told by one system call.
    """
    return posix.stat("/proc/self/task").st_nlink - 2
