"""A call before a line of CPython 3.11's bytecode.

The original instructions stay, with their positions: tracebacks, tracing and coverage see the same lines.

          JUMP_FORWARD over       a switch: a jump or a NOP (or a constant that is tested)
          PUSH_NULL
          LOAD_CONST callback
          LOAD_FAST x ...         what the callback would like to be given
          PRECALL; CALL; POP_TOP
    over: the line

At the recursion limit the call itself raises RecursionError: a handler of its own drops just that. Whatever else comes
out of it is a signal's, and goes where an exception of the line would go.
"""

from __future__ import annotations

from pyrometer.agent.engines.assembly import ENDS, Handler, Instruction, assemble, disassemble, op
from pyrometer.agent.engines.flow import assigned_locals, stack_depths
from pyrometer.agent.tables import Position
from pyrometer.link.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from types import CodeType
    from typing import Any

    from pyrometer.agent.engines.switches import Guard

    Lines = Mapping[Instruction, int | None]
    """Each instruction's line; None before the body."""

MOST_ARGUMENTS = 32
"""More names than that are read from the frame: a switch's jump must fit into one word."""
_OPTIMIZED, _VARARGS, _VARKEYWORDS = 0x01, 0x04, 0x08


class Argument(NamedTuple):
    """A name that the injected call can pass: its value, or the cell that holds it."""

    name: str
    cell: bool
    slot: int
    """Its number among the function's variables."""


class Injection(NamedTuple):
    """A call to be made before each run of a line."""

    line: int
    names: tuple[str, ...]
    """Locals that the callback would like as arguments."""
    callback: Callable[[Sequence[Argument]], Callable[..., object]]
    """Makes the callback, told which of the names it will get, in order."""
    guard: Guard | None = None
    """Tested instead of a switch in the code."""


class Injected(NamedTuple):
    """A code object with calls in it."""

    code: CodeType
    callbacks: list[Callable[..., object]]
    """One for each injection."""
    switches: list[list[int]]
    """For each injection the offsets of the jumps over its calls: they are off. Empty: the line is not there."""


class _Site(NamedTuple):
    """A place where a line begins to run."""

    before: Instruction
    entry: bool
    """The beginning of the body, for the line of `def`: no jump leads there."""


class _Block(NamedTuple):
    """A call, and the jump over it."""

    site: _Site
    switch: Instruction
    instructions: list[Instruction]


def inject_calls(code: CodeType, injections: Sequence[Injection]) -> Injected:
    """Put calls before lines.

    Raises:
        ValueError, KeyError, IndexError: the bytecode is not as the compiler writes it.
    """
    instructions = disassemble(code)
    depths = stack_depths(instructions)
    lines = effective_lines(instructions)
    insertion = _Insertion(code.co_consts, depths)
    callbacks, switches = [], []
    for injection in injections:
        sites = [site for site in find_sites(instructions, lines, injection.line) if site.before in depths]
        arguments = find_arguments(code, instructions, [site.before for site in sites], injection.names)
        callbacks.append(injection.callback(arguments))
        switches.append(insertion.add(injection, sites, callbacks[-1], arguments))
    rewritten = assemble(
        code,
        insertion.spliced(instructions, lines),
        more_stack=insertion.more_stack,
        co_consts=tuple(insertion.constants),
    )
    return Injected(rewritten, callbacks, [[switch.offset for switch in each] for each in switches])


def effective_lines(instructions: Sequence[Instruction]) -> dict[Instruction, int | None]:
    """Each instruction's line; one that has none goes with what flows into it. What enters the function has none."""
    lines: dict[Instruction, int | None] = {}
    line, entered = None, False
    for instruction in instructions:
        line = instruction.position.line or line
        lines[instruction] = line if entered else None
        entered = entered or (instruction.op == op["RESUME"] and instruction.arg == 0)
        if instruction.op in ENDS:
            line = None
    return lines


def find_sites(instructions: Sequence[Instruction], lines: Lines, line: int) -> list[_Site]:
    """Where a line begins to run: where it is reached from another line, or where the body of its `def` begins."""
    arrivals = _jumped_to(instructions, lines, line)
    sites = []
    previous: Instruction | None = None
    for index, instruction in enumerate(instructions):
        if previous is not None and _is_def(previous, line):
            sites.append(_Site(instruction, entry=True))
        elif lines[instruction] == line == instruction.position.line and instruction.op != op["RESUME"]:
            flows = previous is not None and previous.op not in ENDS and lines[previous] != line
            if flows or instruction in arrivals:
                sites.append(_Site(_outside_call(instructions, index), entry=False))
        previous = instruction
    return sites


def _is_def(instruction: Instruction, line: int) -> bool:
    return instruction.op == op["RESUME"] and instruction.arg == 0 and instruction.position.line == line


def _jumped_to(instructions: Iterable[Instruction], lines: Lines, line: int) -> set[Instruction]:
    """What is jumped to, or handles exceptions, from other lines."""
    others = [instruction for instruction in instructions if lines[instruction] != line]
    found = {instruction.target for instruction in others if instruction.target is not None}
    handlers = [each.handler for each in others if each.handler is not None and lines[each] is not None]
    return found | {handler.target for handler in handlers}


def _outside_call(instructions: Sequence[Instruction], index: int) -> Instruction:
    """Keep out of the steps of a call: KW_NAMES leaves its names in a register of the interpreter."""
    inside, steps = (op["CALL"], op["PRECALL"]), (op["KW_NAMES"], op["PRECALL"])
    while instructions[index].op in inside and instructions[index - 1].op in steps:
        index -= 1
    return instructions[index]


def find_arguments(
    code: CodeType, instructions: Sequence[Instruction], places: Sequence[Instruction], names: Iterable[str]
) -> list[Argument]:
    """Which names can be passed at all of the places: cells, and locals that have a value on every way there."""
    if not code.co_flags & _OPTIMIZED:
        return []
    cells = code.co_cellvars + code.co_freevars
    slots = [*code.co_varnames, *(name for name in cells if name not in code.co_varnames)]
    parameters = code.co_argcount + code.co_kwonlyargcount
    parameters += bool(code.co_flags & _VARARGS) + bool(code.co_flags & _VARKEYWORDS)
    bound = assigned_locals(instructions, range(parameters))
    found = [Argument(name, name in cells, slots.index(name)) for name in names if name in slots]
    passed = [each for each in found if each.cell or all(bound[place] >> each.slot & 1 for place in places)]
    return passed[:MOST_ARGUMENTS]


class _Insertion:
    """Collects what goes before which instruction, then puts all of it in at once."""

    def __init__(self, constants: Iterable[Any], depths: Mapping[Instruction, int]) -> None:
        self.constants: list[Any] = [*constants, RecursionError]
        self.more_stack = 0
        self._recursion_error = len(self.constants) - 1
        self._depths = depths
        self._blocks: dict[Instruction, list[_Block]] = {}
        self._tail: list[Instruction] = []

    def add(
        self, injection: Injection, sites: Iterable[_Site], callback: object, arguments: Sequence[Argument]
    ) -> list[Instruction]:
        """Prepare the blocks of an injection; return their switches."""
        constant = self._constant(callback)
        self.more_stack = max(self.more_stack, len(arguments) + 3)
        blocks = [self._block(injection, site, constant, arguments) for site in sites]
        for block in blocks:
            self._blocks.setdefault(block.site.before, []).append(block)
        return [block.switch for block in blocks]

    def _constant(self, value: object) -> int:
        self.constants.append(value)
        return len(self.constants) - 1

    def _block(self, injection: Injection, site: _Site, constant: int, arguments: Sequence[Argument]) -> _Block:
        over, position = site.before, Position(injection.line)
        switch = [Instruction(op["JUMP_FORWARD"], position=position, handler=over.handler)]
        if injection.guard is not None:
            load = Instruction(
                op["LOAD_CONST"], self._constant(injection.guard), position=position, handler=over.handler
            )
            switch = [load, Instruction(op["POP_JUMP_FORWARD_IF_FALSE"], position=position, handler=over.handler)]
        dropping = Handler(self._drop(over, position), self._depths[over], lasti=False)
        call = [
            Instruction(op["PUSH_NULL"]),
            Instruction(op["LOAD_CONST"], constant),
            *(Instruction(op["LOAD_CLOSURE" if each.cell else "LOAD_FAST"], each.slot) for each in arguments),
            Instruction(op["PRECALL"], len(arguments)),
            Instruction(op["CALL"], len(arguments)),
            Instruction(op["POP_TOP"]),
        ]
        for instruction in call:
            instruction.position, instruction.handler = position, dropping
        return _Block(site, switch[-1], [*switch, *call])

    def _drop(self, over: Instruction, position: Position) -> Instruction:
        """A handler that goes on with the line after a RecursionError, and passes on anything else."""
        passing = Instruction(op["RERAISE"], 0)
        steps = [
            Instruction(op["LOAD_CONST"], self._recursion_error),
            Instruction(op["CHECK_EXC_MATCH"]),
            Instruction(op["POP_JUMP_FORWARD_IF_FALSE"], target=passing),
            Instruction(op["POP_TOP"]),
            Instruction(op["JUMP_BACKWARD_NO_INTERRUPT"], target=over),
            passing,
        ]
        for instruction in steps:
            instruction.position, instruction.handler = position, over.handler
        self._tail += steps
        return steps[0]

    def spliced(self, instructions: Sequence[Instruction], lines: Lines) -> list[Instruction]:
        """All instructions, the blocks before theirs, and what jumps there from another line led to them."""
        result: list[Instruction] = []
        begins: dict[Instruction, Instruction] = {}
        for instruction in instructions:
            blocks = sorted(self._blocks.get(instruction, ()), key=lambda block: not block.site.entry)
            runs = [block for block in blocks if not block.site.entry]
            if runs:
                begins[instruction] = runs[0].instructions[0]
                if lines[result[-1]] == lines[instruction] and result[-1].op not in ENDS:
                    result.append(_past(instruction))
            for block, following in zip(blocks, [*blocks[1:], None], strict=False):
                block.switch.target = following.instructions[0] if following else instruction
                result += block.instructions
            result.append(instruction)
        result += self._tail
        _redirect(instructions, result, lines, begins)
        return result


def _past(instruction: Instruction) -> Instruction:
    """A jump to an instruction, for the line that goes on there."""
    position = Position(instruction.position.line)
    return Instruction(op["JUMP_FORWARD"], target=instruction, position=position, handler=instruction.handler)


def _redirect(
    original: Iterable[Instruction],
    every: Iterable[Instruction],
    lines: Lines,
    begins: Mapping[Instruction, Instruction],
) -> None:
    """Lead jumps from other lines, and exceptions, to where a line's calls begin."""
    for instruction in original:
        target = instruction.target
        if target is not None and target in begins and lines[instruction] != lines[target]:
            instruction.target = begins[target]
    for instruction in every:
        handler = instruction.handler
        if handler is not None and handler.target in begins:
            instruction.handler = handler._replace(target=begins[handler.target])
