"""Probes beside another tool that watches the same code, and prints as JSON what each of them saw.

    python coexisting.py TOOL WHEN FOLDER

TOOL is one of the functions below, WHEN says when it starts: `before` the probes, `after` them, or `never`: then the tool
works alone, for comparison. FOLDER is put on the path: the agent's.
"""

import contextlib
import json
import sys
import threading

tool, when, folder = sys.argv[1:]
sys.path.insert(0, folder)

import pyrometer.agent.probes as probes  # noqa: E402
from pyrometer.guard.policy import Policy  # noqa: E402
from pyrometer.link.errors import LinkError  # noqa: E402
from pyrometer.link.model import ProbeLimits, ProbeSpec  # noqa: E402


def work(count):
    total = 0
    for number in range(count):
        total += step(number)
    return total


def step(number):
    if number % 2:
        return number
    with contextlib.suppress(KeyError):
        raise KeyError(number)
    return -number


FILE = __file__
STEP = step.__code__.co_firstlineno + 2
hits = {"line": 0, "exception": 0}
told = {}


def emit(event, weight):
    if event["event"] == "hit":
        hits[event["probe"]] += 1
    return True


class Probes:
    """A line and an exception, armed through the registry."""

    def __init__(self):
        self.registry = probes.Registry(lambda: Policy(cpu_share=1.0))
        self.error = ""

    def __enter__(self):
        limits = ProbeLimits(hits=1000, rate=1000)
        places = {"line": {"line": (FILE, STEP)}, "exception": {"exception": ("KeyError", "__main__")}}
        if when == "never":
            return self
        try:
            for name, place in places.items():
                self.registry.arm(ProbeSpec(name, name, limits=limits, force=True, **place), self, emit)
        except LinkError as error:
            self.error = f"{error.reason}: {error.message}"
        return self

    def __exit__(self, *_):
        self.registry.release(self)


@contextlib.contextmanager
def settrace():
    seen = []

    def trace(frame, event, arg):
        if frame.f_code.co_filename == FILE and frame.f_code.co_name in ("work", "step"):
            seen.append([frame.f_code.co_name, event, frame.f_lineno])
            return trace
        return None

    sys.settrace(trace)
    yield
    sys.settrace(None)
    told["seen"] = seen


@contextlib.contextmanager
def setprofile():
    seen = []

    def profile(frame, event, arg):
        if frame.f_code.co_filename == FILE and event in ("call", "return"):
            seen.append([frame.f_code.co_name, event])

    sys.setprofile(profile)
    yield
    sys.setprofile(None)
    told["seen"] = [each for each in seen if each[0] in ("work", "step")]


@contextlib.contextmanager
def cprofile():
    import cProfile
    import pstats

    profiler = cProfile.Profile()
    profiler.enable()
    yield
    profiler.disable()
    stats = pstats.Stats(profiler).stats
    told["seen"] = sorted([key[2], value[0]] for key, value in stats.items() if key[2] in ("work", "step"))


@contextlib.contextmanager
def covered(core):
    import coverage

    measuring = coverage.Coverage(data_file=None, include=[FILE], config_file=False)
    measuring.set_option("run:core", core)
    measuring.start()
    yield
    measuring.stop()
    lines = measuring.get_data().lines(FILE) or []
    own = range(work.__code__.co_firstlineno + 1, STEP + 8)
    told["seen"] = sorted(line for line in lines if line in own)


def ctrace():
    return covered("ctrace")


def sysmon():
    return covered("sysmon")


@contextlib.contextmanager
def debugged():
    import debugpy  # noqa: T100

    debugpy.listen(("127.0.0.1", 0), in_process_debug_adapter=True)  # noqa: T100
    yield
    told["seen"] = ["listening"]


@contextlib.contextmanager
def nothing():
    yield
    told["seen"] = []


def run():
    result = [work(10), work(10)]
    thread = threading.Thread(target=lambda: result.append(work(4)))
    if tool not in ("settrace", "setprofile", "cprofile"):
        thread.start()
        thread.join()
    return result


order = [Probes(), globals()[tool]()]
if when == "before":
    order.reverse()
with contextlib.ExitStack() as stack:
    for each in order:
        stack.enter_context(each)
    result = run()
armed = next(each for each in order if isinstance(each, Probes))
hits_then = dict(hits)
again = work(10)
print(
    json.dumps(
        {
            "result": [*result, again],
            "hits": hits_then,
            "error": armed.error,
            "after": {name: hits[name] - hits_then[name] for name in hits},
            **told,
        }
    )
)
