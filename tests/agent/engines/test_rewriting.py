from __future__ import annotations

import asyncio
import gc
import sys
import types
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import pytest
from tests.agent.places import line_of

from pyrometer.agent.engines.rewriting import Argument, Injected, Injection, inject_calls
from pyrometer.agent.engines.switches import Guard, Words, word_store

pytestmark = pytest.mark.only_python("3.11")


class Calls:
    """A callback that remembers what it was called with, and in which line."""

    def __init__(self, *names: str) -> None:
        self.names = names
        self.arguments: list[Argument] = []
        self.seen: list[tuple[int | None, ...]] = []

    def make(self, arguments: Sequence[Argument]) -> Callable[..., object]:
        self.arguments = list(arguments)

        def callback(*values: Any) -> None:
            self.seen.append((sys._getframe(1).f_lineno, *values))

        return callback

    @property
    def lines(self) -> list[int | None]:
        return [line for line, *_ in self.seen]


def injected(
    function: types.FunctionType, line: int, calls: Calls, *, guard: Guard | None = None
) -> types.FunctionType:
    """The function with calls before a line, switched on."""
    done = inject_calls(function.__code__, [Injection(line, calls.names, calls.make, guard)])
    if guard is None:
        switch(done).turn(on=True)
    return with_code(function, done.code)


def switch(done: Injected, number: int = 0) -> Words:
    store = word_store()
    assert store is not None
    return Words(done.code, done.switches[number], store)


def with_code(function: types.FunctionType, code: types.CodeType) -> types.FunctionType:
    made = types.FunctionType(code, function.__globals__, argdefs=function.__defaults__, closure=function.__closure__)
    made.__kwdefaults__ = function.__kwdefaults__
    return made


def run(function: Callable[..., Any], *args: Any) -> object:
    """What a function returns or raises."""
    try:
        return function(*args)
    except Exception as error:  # noqa: BLE001
        return repr(error)


HITS: list[tuple[str, str, list[Any], int]] = [
    ("header", "header: for", [[1, 2, 3]], 4),
    ("header", "header: for", [[]], 1),
    ("header", "header: return", [[1, 2]], 1),
    ("waits", "waits: while", [3], 4),
    ("one_line_loop", "one_line_loop", [3], 1),
    ("many_lines", "many_lines: two", [dict], 1),
    ("guarded", "guarded: body", [1], 1),
    ("guarded", "guarded: except", [0], 1),
    ("guarded", "guarded: except", [1], 0),
    ("guarded", "guarded: handler", [0], 1),
    ("guarded", "guarded: finally", [1], 1),
    ("guarded", "guarded: finally", [0], 1),
    ("guarded", "guarded: finally", [None], 1),
    ("managed", "managed: body", [0], 1),
    ("managed", "managed: after", [0], 1),
    ("reads_global", "reads_global", [1], 1),
    ("passes", "passes", [1, 2], 1),
    ("ticks", "ticks: def", [3], 1),
    ("deep", "deep: if", [5], 1),
]


@pytest.mark.parametrize(("name", "words", "args", "expected"), HITS, ids=[f"{case[1]} {case[2]}" for case in HITS])
def test_a_line_is_called_for_when_it_begins_to_run(
    flows: types.ModuleType, name: str, words: str, args: list[Any], expected: int
) -> None:
    """A loop's header once more than its body; a loop on one line once; and nothing that the function does changes."""
    calls, line = Calls(), line_of("flows", words)
    function = getattr(flows, name)
    if name == "many_lines":
        args = [lambda *a, **k: (a, k)]
    assert run(injected(function, line, calls), *args) == run(function, *args)
    assert calls.lines == [line] * expected


def test_a_call_over_several_lines_keeps_its_keywords(flows: types.ModuleType) -> None:
    """KW_NAMES leaves them in a register of the interpreter, which a call of ours would use up."""

    def echo(*args: Any, **kwargs: Any) -> Any:
        return args, kwargs

    code = flows.many_lines.__code__
    expected = flows.many_lines(echo)
    for line in {line for _, _, line in code.co_lines() if line}:
        assert injected(flows.many_lines, line, Calls())(echo) == expected


ARGUMENTS: list[tuple[str, str, tuple[str, ...], list[str]]] = [
    ("sometimes", "sometimes: done", ("flag", "value"), ["flag"]),
    ("deleted", "deleted: done", ("flag", "value"), ["flag"]),
    ("after_handler", "after_handler: done", ("flag", "error"), ["flag"]),
    ("loop_variable", "loop_variable: return", ("items", "item"), ["items"]),
    ("header", "header: return", ("total", "items", "item"), ["total", "items"]),
    ("guarded", "guarded: finally", ("divisor", "result"), ["divisor"]),
    ("passes", "passes", ("args", "key", "kwargs"), ["args", "key", "kwargs"]),
    ("shared", "shared: call", ("start", "count", "step"), ["start", "count", "step"]),
    ("not_yet", "not_yet: ready", ("inner", "later"), ["inner", "later"]),
    ("reads_global", "reads_global", ("x", "limit", "nothing"), ["x"]),
]


@pytest.mark.parametrize(("name", "words", "asked", "given"), ARGUMENTS, ids=[case[1] for case in ARGUMENTS])
def test_what_has_a_value_on_every_way_is_passed(
    flows: types.ModuleType, name: str, words: str, asked: tuple[str, ...], given: list[str]
) -> None:
    """Loading any other would raise UnboundLocalError in the service. Cells are passed as such: they may be empty."""
    calls = Calls(*asked)
    inject_calls(getattr(flows, name).__code__, [Injection(line_of("flows", words), asked, calls.make)])
    assert [argument.name for argument in calls.arguments] == given
    assert [argument.name for argument in calls.arguments if argument.cell] == [
        name for name in given if name in {"count", "later"}
    ]


def test_values_are_those_before_the_line(flows: types.ModuleType) -> None:
    """The call comes first."""
    calls = Calls("items", "total")
    line = line_of("flows", "header: return")
    assert injected(flows.header, line, calls)([1, 2]) == 3
    assert calls.seen == [(line, [1, 2], 3)]


def test_a_generator_is_called_in_when_it_runs_and_not_when_it_is_made(flows: types.ModuleType) -> None:
    """The line of `def` begins with the body."""
    calls = Calls()
    made = injected(flows.produces, line_of("flows", "produces: def"), calls)(2)
    assert calls.seen == []
    assert list(made) == [0, 1]
    assert len(calls.seen) == 1


def test_a_generator_is_thrown_at_sent_to_and_closed_as_ever(flows: types.ModuleType) -> None:
    """What waits in `yield` is told by the instruction that follows it. Fault 26."""
    calls = Calls("number")
    make = injected(flows.produces, line_of("flows", "produces: yield"), calls)
    sent = make(3)
    assert [next(sent), sent.send("x")] == [0, 1]
    with pytest.raises(KeyError):
        sent.throw(KeyError)
    closed = make(3)
    next(closed)
    closed.close()
    assert [number for _, number in calls.seen] == [0, 1, 0]


def test_an_asynchronous_loop_is_cancelled_as_ever(flows: types.ModuleType) -> None:
    """On the line that is probed. Fault 26."""
    calls = Calls("item")
    function = injected(flows.loops, line_of("flows", "loops: body"), calls)

    async def source() -> AsyncIterator[int]:
        yield 1
        yield 2
        await asyncio.sleep(60)

    async def main() -> list[int]:
        task = asyncio.ensure_future(function(source()))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return [item for _, item in calls.seen]

    assert asyncio.run(main()) == [1, 2]


def test_several_calls_before_one_line_are_switched_apart(flows: types.ModuleType) -> None:
    """Each has its own jump, which leads to the next."""
    all_calls = [Calls(), Calls("x"), Calls()]
    line = line_of("flows", "reads_global")
    done = inject_calls(flows.reads_global.__code__, [Injection(line, calls.names, calls.make) for calls in all_calls])
    function = with_code(flows.reads_global, done.code)
    for on in ((True, False, True), (False, True, False), (False, False, False)):
        for number, state in enumerate(on):
            switch(done, number).turn(on=state)
        assert function(5) is True
    assert [len(calls.seen) for calls in all_calls] == [1, 1, 1]


def test_switched_off_the_code_differs_by_its_jumps_alone(flows: types.ModuleType) -> None:
    """What the interpreter executes is the code that was made, with a word of it written over."""
    done = inject_calls(flows.header.__code__, [Injection(line_of("flows", "header: return"), (), Calls().make)])
    before = done.code._co_code_adaptive  # type: ignore[attr-defined]
    words = switch(done)
    words.turn(on=True)
    changed = done.code._co_code_adaptive  # type: ignore[attr-defined]
    assert sum(a != b for a, b in zip(before, changed, strict=True)) <= 2 * len(done.switches[0])
    words.turn(on=False)
    assert done.code._co_code_adaptive == before  # type: ignore[attr-defined]


def test_a_guard_does_where_there_is_no_ctypes(flows: types.ModuleType) -> None:
    """A constant that is tested; also in a frame that runs."""
    guard, calls = Guard(), Calls("number")
    running = injected(flows.produces, line_of("flows", "produces: yield"), calls, guard=guard)(9)
    next(running)
    guard.turn(on=True)
    next(running), next(running)
    guard.turn(on=False)
    next(running)
    assert [number for _, number in calls.seen] == [1, 2]


def test_a_guard_leaves_code_objects_hashable(flows: types.ModuleType) -> None:
    """A code object is hashed by its constants, and services have dictionaries of code objects."""
    one, other = Guard(), Guard()
    code = inject_calls(flows.header.__code__, [Injection(9, (), Calls().make, one)]).code
    assert {code: 1}[code] == 1
    assert one != other
    assert hash(one) != hash(other)


@pytest.mark.parametrize("name", ["guarded", "header", "many_lines", "shared", "produces"])
def test_positions_and_constants_stay(flows: types.ModuleType, name: str) -> None:
    """Every instruction of the function's own is where it was in the source: tracebacks show the same."""
    code = getattr(flows, name).__code__
    lines = sorted({line for _, _, line in code.co_lines() if line})
    done = inject_calls(code, [Injection(line, (), Calls().make) for line in lines])
    assert done.code.co_consts[: len(code.co_consts)] == code.co_consts
    with_columns = [position for position in code.co_positions() if position[2] is not None]
    assert [position for position in done.code.co_positions() if position[2] is not None] == with_columns
    assert done.code.co_name == code.co_name
    assert done.code.co_firstlineno == code.co_firstlineno


def test_at_the_recursion_limit_the_service_does_not_notice(flows: types.ModuleType) -> None:
    """Where there is room for its own frame and not for ours the call is left out. Fault 23."""

    def deepest(function: Callable[[int], int], low: int, high: int) -> int:
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if run(function, middle) == 0 else (low, middle - 1)
        return low

    calls = Calls()
    limit = deepest(flows.deep, 1, 5000)
    flows.deep.__code__ = injected(flows.deep, line_of("flows", "deep: if"), calls).__code__
    assert deepest(flows.deep, 1, 5000) == limit
    assert calls.seen


def test_a_name_that_is_not_there_makes_no_site(flows: types.ModuleType) -> None:
    """The line of another function."""
    done = inject_calls(flows.header.__code__, [Injection(line_of("flows", "waits: while"), (), Calls().make)])
    assert done.switches == [[]]


def test_nothing_is_kept_of_the_values(flows: types.ModuleType) -> None:
    """What was passed to the callback is gone with it. Fault 52."""

    class Thing:
        pass

    thing = Thing()
    function = injected(flows.passes, line_of("flows", "passes"), Quiet("args"))
    function(thing)
    assert sys.getrefcount(thing) == 2
    assert gc.get_referrers(thing) == [] or all(type(holder) is not tuple for holder in gc.get_referrers(thing))


class Quiet(Calls):
    """A callback that remembers nothing."""

    def make(self, arguments: Sequence[Argument]) -> Callable[..., object]:
        return lambda *_: None
