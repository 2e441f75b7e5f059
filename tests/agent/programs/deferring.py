"""Starts the agent, makes every further import fail, and runs what was deferred; with `fork`, in a child that was
forked while another thread was in the middle of it."""

import os
import sys
import types
import warnings

import pyrometer.agent
from pyrometer.agent.deferred import LOOKING, MODULES

pyrometer.agent.start()
deferred = pyrometer.agent._agent._deferred
names = [f"pyrometer.{name}" for name in MODULES]
before = [name for name in names if name in sys.modules]
sys.meta_path.clear()

if "fork" in sys.argv:
    warnings.simplefilter("ignore")  # 3.12 sees the agent's thread, which has no part in this
    halfway = names[len(names) // 2]
    sys.modules[halfway] = types.ModuleType(halfway)
    deferred._running = halfway
    deferred._lock.acquire()
    child = os.fork()
    if child:
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    pyrometer.agent._agent._settle()  # what the child's own thread does first, a moment after the fork

deferred.run(LOOKING)
looking = [name for name in names if name not in sys.modules] == names[len(LOOKING) :]
deferred.run()
left = [name for name in names if name not in sys.modules]
reception = sys.modules["pyrometer.agent.reception"]
print(
    "ready",
    before,
    looking,
    left,
    hasattr(reception, "Reception"),
    sys.modules["pyrometer.agent.values"].Capture.__module__,
)
sys.stdout.flush()
os._exit(0)
