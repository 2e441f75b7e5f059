from __future__ import annotations

import importlib
import types
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyrometer.agent import tables
from pyrometer.agent.engines import assembly, flow

pytestmark = pytest.mark.only_python("3.11")

MODULES = (
    "argparse",
    "asyncio.tasks",
    "contextlib",
    "tarfile",
    "typing",
    "unittest.mock",
    "tests.agent.programs.flows",
)


def codes(code: types.CodeType) -> Iterator[types.CodeType]:
    """A code object and all that are nested in it."""
    yield code
    for const in code.co_consts:
        if isinstance(const, types.CodeType):
            yield from codes(const)


@pytest.fixture(params=MODULES)
def module_code(request: pytest.FixtureRequest) -> types.CodeType:
    path = importlib.import_module(request.param).__file__
    assert path is not None
    return compile(Path(path).read_bytes(), path, "exec")


def test_what_is_taken_apart_comes_together_the_same(module_code: types.CodeType) -> None:
    """Instructions, the position of each, and where exceptions go, of everything in a module."""
    for code in codes(module_code):
        again = assembly.assemble(code, assembly.disassemble(code), more_stack=0)
        assert again.co_code == code.co_code
        assert list(again.co_positions()) == list(code.co_positions())
        assert tables.parse_exception_table(again.co_exceptiontable) == tables.parse_exception_table(
            code.co_exceptiontable
        )


def test_the_stack_is_as_high_as_the_compiler_thought(module_code: types.CodeType) -> None:
    """Never over `co_stacksize`, never under the height that a handler cuts it to."""
    for code in codes(module_code):
        for instruction, depth in flow.stack_depths(assembly.disassemble(code)).items():
            assert 0 <= depth <= code.co_stacksize
            assert instruction.handler is None or instruction.handler.depth <= depth


def test_a_jump_that_grows_pushes_the_others_apart() -> None:
    """An argument over 255 takes a prefix, which may make other jumps longer in their turn."""
    end = assembly.Instruction(assembly.op["RETURN_VALUE"])
    jumps = [assembly.Instruction(assembly.op["JUMP_FORWARD"], target=end) for _ in range(300)]
    assembly.lay_out([*jumps, end])
    assert [jump.wide for jump in (jumps[0], jumps[-1])] == [1, 0]
    assert all(jump.end + 2 * jump.arg == end.offset for jump in jumps)


@pytest.mark.parametrize("number", [0, 1, 63, 64, 4095, 4096, 1 << 20])
def test_a_region_of_any_size_is_read_as_it_was_written(number: int) -> None:
    """Offsets are bytes, in steps of two."""
    region = tables.Region(2 * number, 2 * number + 2, 4 * number, number, lasti=True)
    assert tables.parse_exception_table(tables.encode_exception_table([region])) == [region]
