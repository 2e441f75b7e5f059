"""Starts the agent in a Python that `pyrometer run` started, and in those that it starts.

It runs in any interpreter that PYTHONPATH reaches, so it must parse on 2.7, cost next to nothing, and break nothing:
a Python that is too old just runs. The agent is loaded by file location, since the environment may lack pyrometer and
nothing but this folder may be put on its path; and from a thread, after a moment, so that a start costs 1 ms and a
process that is short-lived pays no more. A fork before that loads it at once: an import under way in another thread
would leave its locks held in the child for ever, and the child may soon be a user who can't read these files. A fork
in C (uWSGI's) is heard of afterwards only, in the child, which then starts over; and where nobody tells Python of it, a
thread that waits for the GIL meanwhile makes the child hang: so a program that Python is embedded in gets no thread.
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
        self.start_new_thread = _thread.start_new_thread
        os.register_at_fork(before=self.now, after_in_child=self.anew)
        if sys.orig_argv:
            self.start()

    def start(self):
        """Start the thread with all signals blocked: what the service will block must not find one that lets it in."""
        import _signal

        before = _signal.pthread_sigmask(_signal.SIG_BLOCK, ())
        try:
            _signal.pthread_sigmask(_signal.SIG_BLOCK, _signal.valid_signals())
            self.start_new_thread(self.later, ())
        except RuntimeError:
            self.done = True
            os.write(2, b"pyrometer: the agent did not start: the process can't start another thread\n")
        finally:
            _signal.pthread_sigmask(_signal.SIG_SETMASK, before)

    def anew(self):
        """In a child for which nothing was loaded before. What another thread was loading has broken off for good."""
        if self.lock.locked():
            self.done = True
        elif not self.done:
            self.start()

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
    try:
        import pyrometer.agent as agent
    except ImportError:
        _place(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
        import pyrometer.agent as agent
    agent.start()


def _place(folder):
    """Let `pyrometer` be found in its folder by itself.

    The folder's parent never comes on the path, not for a moment: other packages lie there that this environment lacks,
    and a thread of the service may be about to try for one. A package of the service's that is called pyrometer stays.
    """
    package = sys.modules.get("pyrometer")
    if package is None:
        package = type(sys)("pyrometer")
        package.__spec__ = type(sys.__spec__)("pyrometer", None, is_package=True)
        package.__path__ = package.__spec__.submodule_search_locations
        package.__path__.append(folder)
        sys.modules["pyrometer"] = package
    elif getattr(package, "__file__", None) is None:
        package.__path__ = list(package.__path__)
        package.__path__.append(folder)


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
