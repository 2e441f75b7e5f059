"""Starts the agent in a Python that `pyrometer run` started, and in those that it starts.

It runs in any interpreter that PYTHONPATH reaches, so it must parse on 2.7, cost next to nothing, and break nothing:
a Python that is too old just runs. The agent is loaded by file location, since the environment may lack pyrometer and
nothing but this folder may be put on its path; and from a thread, after a moment, so that a start costs 1 ms and a
process that is short-lived pays no more. A fork before that loads it at once: an import under way in another thread
would leave its locks held in the child for ever, and the child may soon be a user who can't read these files.
"""

# mypy: ignore-errors

import os
import sys

_DELAY = 0.2


class _Loader:
    """Loads the agent once, from whichever thread comes first."""

    def __init__(self):
        import _thread

        self.done = False
        self.lock = _thread.allocate_lock()
        _thread.start_new_thread(self.later, ())
        os.register_at_fork(before=self.now)

    def later(self):
        import time

        time.sleep(_DELAY)
        self.now()

    def now(self):
        """Load it, or wait until the other thread has: `done` is said afterwards, or a fork would come in between."""
        if self.done or not self.lock.acquire(True, 2.0):
            return
        try:
            if not self.done:
                _load()
        except Exception:
            error = sys.exc_info()[1]
            os.write(2, ("pyrometer: the agent did not start: %s\n" % error).encode("utf-8", "replace"))
        finally:
            self.done = True
            self.lock.release()


def _load():
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    root = os.path.dirname(os.path.dirname(package))
    try:
        import pyrometer.agent as agent
    except ImportError:
        sys.path.append(root)
        try:
            import pyrometer.agent as agent
        finally:
            sys.path.remove(root)
    agent.start()


def _chain():
    """Run the sitecustomize that ours hides, as if ours were not there."""
    here = os.path.dirname(os.path.abspath(__file__))
    ours = sys.modules.pop("sitecustomize", None)
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or ".") != here]
    try:
        import sitecustomize  # noqa: F401
    except ImportError:
        error = sys.exc_info()[1]
        if getattr(error, "name", None) != "sitecustomize" and "sitecustomize" not in str(error):
            raise
        if ours is not None:
            sys.modules.setdefault("sitecustomize", ours)


if sys.version_info >= (3, 11) and os.environ.get("PYROMETER_DISABLE", "") in ("", "0"):
    _Loader()
_chain()
