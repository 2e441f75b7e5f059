"""The events of calls on CPython 3.11, told by the function's own bytecode: begin, ends, suspensions.

          RESUME 0          ◄ begin()
          ...
        ► RETURN_VALUE      returned(value), before it
    L:    SEND out
        ► JUMP_FORWARD Y    suspend(), before it
          SEND out          never run: what throws into a generator looks for one here
    Y:    YIELD_VALUE
          RESUME 3          ◄ resume()
          JUMP_BACKWARD L
    out: ►                  resume(): it may come here without RESUME, where the exception that is thrown in is caught
                            further inside

An exception that leaves the function comes by a handler of all that no other covers; one that is thrown in where it was
suspended, by a handler before the function's own. Each call is behind a guard, a constant that is tested, and a
RecursionError of the call itself is dropped, as in `trampolines`.
"""

from __future__ import annotations

import sys
from itertools import pairwise

from pyrometer.agent.engines.assembly import Handler, Instruction, assemble, disassemble, op
from pyrometer.agent.engines.bindings import fast_binding
from pyrometer.agent.engines.callbacks import excused
from pyrometer.agent.engines.flow import stack_depths
from pyrometer.agent.engines.following import follower_of
from pyrometer.agent.engines.switches import Guard
from pyrometer.agent.tables import NOWHERE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import CodeType
    from typing import Any

    from pyrometer.agent.engines import CallPoint
    from pyrometer.agent.engines.following import Follower
    from pyrometer.agent.tables import Position

_MORE_STACK = 6
_RESUME, _RETURN, _YIELD, _SEND = op["RESUME"], op["RETURN_VALUE"], op["YIELD_VALUE"], op["SEND"]
_BACK = op["JUMP_BACKWARD_NO_INTERRUPT"]


class Hooks:
    """What the code of a function calls: tells followers of the events of its calls, while its guards are on.

    It lives as long as a frame or a closure that bears such code; `retire` makes it inert.
    """

    def __init__(self, followers: Sequence[Follower]) -> None:
        self.followers = list(followers)
        self.begins, self.ends = Guard(), Guard()
        self._told: list[list[tuple[Follower, Callable[..., bool]]]] = []
        self.begin = self._build("begin", self.begins)
        self.suspend = self._build("suspend", self.ends)
        self.resume = self._build("resume", self.ends)
        self.returned, self.raised = self._build_returned(), self._build_raised()

    @property
    def probe_ids(self) -> list[str]:
        """The probes that are told."""
        return [each.probe_id for each in self.followers]

    def turn_on(self) -> None:
        """Have the events told, those of ends first: none is missed of a call that is seen to begin."""
        for each in self.followers:
            each.begin_anew(lambda: self.ends.turn(on=True))
        self.ends.turn(on=any(each.busy for each in self.followers))
        self.begins.turn(on=any(each.accepts for each in self.followers))

    def retire(self) -> None:
        """Have nothing told any more."""
        self.begins.turn(on=False)
        self.ends.turn(on=False)
        self.followers.clear()
        for told in self._told:
            told.clear()

    def _methods(self, name: str) -> list[tuple[Follower, Callable[..., bool]]]:
        told = [(each, getattr(each, name)) for each in self.followers]
        self._told.append(told)
        return told

    def _build(self, name: str, guard: Guard) -> Callable[[], None]:
        if len(self.followers) == 1:
            return self._build_for_one(name, guard)
        told, getframe, turn_off = self._methods(name), sys._getframe, self._turn_off

        def hook() -> None:
            frame, wanted = getframe(1), False
            for each, method in told:
                try:
                    wanted |= method(frame)
                except BaseException as error:
                    wanted = True
                    if not excused(each.tally, error):
                        raise
            if not wanted:
                turn_off(guard)

        return hook

    def _build_for_one(self, name: str, guard: Guard) -> Callable[[], None]:
        (follower,), getframe, turn_off = self.followers, sys._getframe, self._turn_off
        method, tally = getattr(follower, name), follower.tally

        def hook() -> None:
            try:
                if not method(getframe(1)):
                    turn_off(guard)
            except BaseException as error:
                if not excused(tally, error):
                    raise

        return hook

    def _build_returned(self) -> Callable[[object], None]:
        told, getframe, turn_off, guard = self._methods("end"), sys._getframe, self._turn_off, self.ends
        if len(told) == 1:
            return self._build_returned_for_one(*told[0])

        def returned(value: object) -> None:
            frame, wanted = getframe(1), False
            for each, end in told:
                try:
                    wanted |= end(frame, value, None)
                except BaseException as error:
                    wanted = True
                    if not excused(each.tally, error):
                        raise
            if not wanted:
                turn_off(guard)

        return returned

    def _build_returned_for_one(self, follower: Follower, end: Callable[..., bool]) -> Callable[[object], None]:
        getframe, turn_off, guard, tally = sys._getframe, self._turn_off, self.ends, follower.tally

        def returned(value: object) -> None:
            try:
                if not end(getframe(1), value, None):
                    turn_off(guard)
            except BaseException as error:
                if not excused(tally, error):
                    raise

        return returned

    def _build_raised(self) -> Callable[[BaseException], None]:
        told, getframe = self._methods("end"), sys._getframe

        def raised(exc: BaseException) -> None:
            frame = getframe(1)
            for each, end in told:
                try:
                    end(frame, None, exc)
                except BaseException as error:
                    if not excused(each.tally, error):
                        raise

        return raised

    def _turn_off(self, guard: Guard) -> None:
        """Switch off; the governor may have switched on at this moment."""
        guard.turn(on=False)
        if any(each.accepts if guard is self.begins else each.busy for each in self.followers):
            guard.turn(on=True)


class TimedCalls:
    """The followers of an arrangement, and the hooks by which they are told."""

    def __init__(self) -> None:
        self._followers: dict[tuple[int, int], Follower] = {}
        """By code object, as it was before us, and probe: a point may be made anew for the same calls."""
        self._codes: dict[int, CodeType] = {}
        self._hooks: dict[tuple[int, ...], Hooks] = {}
        """By the followers that they tell. Those of earlier arrangements stay while any of these is live."""
        self._current: dict[int, Hooks] = {}

    def arrange(self, points: Sequence[CallPoint], original: Callable[[CodeType], CodeType]) -> None:
        """Make exactly these points live, once the functions have their new code: until then nothing is retired."""
        before, self._followers = self._followers, {}
        grouped: dict[int, list[Follower]] = {}
        self._codes = {}
        for point in points:
            code = original(point.code)
            key = (id(code), id(point.tally))
            if key in self._followers:  # it was found twice: as the code that runs, and as what that was made from
                continue
            follower = self._followers[key] = before.get(key) or follower_of(point._replace(code=code), fast_binding)
            self._codes[id(code)] = code
            grouped.setdefault(id(code), []).append(follower)
        self._current = {key: self._hooks_of(group) for key, group in grouped.items()}

    def hooks(self) -> list[tuple[CodeType, Hooks]]:
        """Each code object whose calls are timed, and what it is to call."""
        return [(self._codes[key], hooks) for key, hooks in self._current.items()]

    def settle(self) -> None:
        """The functions have their code: switch on what is new, and retire what is over."""
        live = set(map(id, self._followers.values()))
        for key, hooks in list(self._hooks.items()):
            if not live.intersection(key):
                del self._hooks[key]
                for follower in hooks.followers:
                    follower.retire()
                hooks.retire()
        for hooks in self._current.values():
            hooks.turn_on()

    def turn_on(self, probe_id: str) -> None:
        """Have a probe told of all events again."""
        for hooks in list(self._hooks.values()):
            if probe_id in hooks.probe_ids:
                hooks.turn_on()

    def open_calls(self, probe_id: str, now: float) -> tuple[int, float]:
        """How many calls that a probe watches are open, and for how many seconds the first of them is."""
        found = [each.open_calls(now) for each in self._followers.values() if each.probe_id == probe_id]
        return sum(number for number, _ in found), max((age for _, age in found), default=0.0)

    def _hooks_of(self, group: Sequence[Follower]) -> Hooks:
        key = tuple(map(id, group))
        return self._hooks.get(key) or self._hooks.setdefault(key, Hooks(group))


def time_calls(code: CodeType, hooks: Hooks) -> CodeType:
    """A code object like this one that tells of its calls.

    Raises:
        ValueError, KeyError, IndexError: the bytecode is not as the compiler writes it.
    """
    return _Timing(code, hooks).rewritten()


class _Timing:
    """One rewriting."""

    def __init__(self, code: CodeType, hooks: Hooks) -> None:
        self._code = code
        self._hooks = hooks
        self._instructions = disassemble(code)
        self._following = dict(pairwise(self._instructions))
        self._depths = stack_depths(self._instructions)
        self._constants: list[Any] = [*code.co_consts]
        self._numbers: dict[int, int] = {}
        self._tail: list[Instruction] = []
        self._sends = _send_loops(self._instructions)
        self._unused: list[Instruction] = []
        self._thrown: dict[tuple[int, int, bool], Handler] = {}
        self._root = self._leaving()

    def rewritten(self) -> CodeType:
        """The new code object."""
        self._cover()
        result: list[Instruction] = []
        arrivals = {id(send.target) for send in self._sends.values()}
        for instruction in self._instructions:
            if id(instruction) in arrivals:
                result += self._arrival(instruction)
            result += self._with_calls(instruction) if instruction in self._depths else [instruction]
        return assemble(self._code, result + self._tail, more_stack=_MORE_STACK, co_consts=tuple(self._constants))

    def _arrival(self, instruction: Instruction) -> list[Instruction]:
        """The call where a SEND goes on once what it waits for is done."""
        block = self._call(instruction, self._hooks.resume, self._hooks.ends)
        for send in (*self._sends.values(), *self._unused):
            if send.target is instruction:
                send.target = block[0]
        return block

    def _with_calls(self, instruction: Instruction) -> list[Instruction]:
        """An instruction with the calls that come before and after it."""
        hooks = self._hooks
        if instruction.op == _RETURN:
            return self._before(instruction, hooks.returned)
        if instruction.op == _YIELD:
            send = self._sends.get(id(instruction))
            return self._before_yield(instruction) if send is None else self._after_send(instruction, send)
        if instruction.op == _RESUME:
            begins = not instruction.arg & 3
            hook, guard = (hooks.begin, hooks.begins) if begins else (hooks.resume, hooks.ends)
            return [instruction, *self._call(instruction, hook, guard, after=True)]
        return [instruction]

    def _before(self, instruction: Instruction, hook: Callable[..., None]) -> list[Instruction]:
        """Call a hook with what an instruction takes. Jumps to the instruction lead to the call."""
        moved = Instruction(instruction.op, instruction.arg, position=instruction.position, handler=instruction.handler)
        self._depths[moved] = self._depths[instruction]
        block = self._call(moved, hook, self._hooks.ends, takes=hook is self._hooks.returned)
        first, instruction.op, instruction.arg = block[0], block[0].op, block[0].arg
        instruction.target = first.target
        return [instruction, *block[1:], moved]

    def _before_yield(self, instruction: Instruction) -> list[Instruction]:
        result = self._before(instruction, self._hooks.suspend)
        result[-1].handler = self._thrown_to(result[-1].handler)
        return result

    def _after_send(self, instruction: Instruction, send: Instruction) -> list[Instruction]:
        """Between a SEND and its YIELD_VALUE, which must have a SEND before it."""
        block = self._call(instruction, self._hooks.suspend, self._hooks.ends)
        position, handler = instruction.position, instruction.handler
        jump = Instruction(op["JUMP_FORWARD"], target=instruction, position=position, handler=handler)
        unused = Instruction(_SEND, target=send.target, position=position, handler=handler)
        self._unused.append(unused)
        back = self._following[self._following[instruction]]
        if back.op != _BACK or self._following.get(back) is not send.target:
            raise ValueError("a SEND in a loop of another shape")
        back.handler = self._thrown_to(back.handler)  # what leaves the generator inside seems to come from there
        instruction.handler = self._thrown_to(instruction.handler)
        return [*block, jump, unused, instruction]

    def _cover(self) -> None:
        """Lead what leaves the function by way of the call; what comes before its body is not a part of the call."""
        inside = False
        for instruction in self._instructions:
            if inside and instruction.handler is None:
                instruction.handler = self._root
            inside = inside or (instruction.op == _RESUME and not instruction.arg & 3)
        if not inside:
            raise ValueError("it has no beginning")

    def _call(
        self,
        place: Instruction,
        hook: Callable[..., None],
        guard: Guard,
        *,
        takes: bool = False,
        after: bool = False,
    ) -> list[Instruction]:
        """A guarded call, before or after an instruction; if it takes a value, that is on top of the stack."""
        out = self._following[place] if after else place
        handler = place.handler or self._root
        position = NOWHERE if hook is self._hooks.begin else place.position  # what traces would see the line of `def`
        block = self._guarded(hook, guard, position, out, takes=takes)
        dropping = Handler(self._drop(out, position, handler), self._depths[out], lasti=False)
        for instruction in block[:2]:
            instruction.handler = handler
        for instruction in block[2:]:
            instruction.handler = dropping
        return block

    def _guarded(
        self, hook: Callable[..., None], guard: Guard, position: Position, out: Instruction, *, takes: bool
    ) -> list[Instruction]:
        count = 1 if takes else 0
        return [
            Instruction(op["LOAD_CONST"], self._constant(guard), position=position),
            Instruction(op["POP_JUMP_FORWARD_IF_FALSE"], target=out, position=position),
            Instruction(op["PUSH_NULL"], position=position),
            Instruction(op["LOAD_CONST"], self._constant(hook), position=position),
            *([Instruction(op["COPY"], 3, position=position)] if takes else []),
            Instruction(op["PRECALL"], count, position=position),
            Instruction(op["CALL"], count, position=position),
            Instruction(op["POP_TOP"], position=position),
        ]

    def _drop(self, out: Instruction, position: Position, handler: Handler) -> Instruction:
        """A handler that goes on after a RecursionError of the call itself, and passes on anything else."""
        passing = Instruction(op["RERAISE"], 0)
        steps = [
            Instruction(op["LOAD_CONST"], self._constant(RecursionError)),
            Instruction(op["CHECK_EXC_MATCH"]),
            Instruction(op["POP_JUMP_FORWARD_IF_FALSE"], target=passing),
            Instruction(op["POP_TOP"]),
            Instruction(_BACK, target=out),
            passing,
        ]
        for instruction in steps:
            instruction.position, instruction.handler = position, handler
        self._tail += steps
        return steps[0]

    def _leaving(self) -> Handler:
        """The handler of what no other covers: exceptions that leave the function."""
        return self._on_exception(self._hooks.raised, Instruction(op["RERAISE"], 1), depth=0, lasti=True, takes=True)

    def _thrown_to(self, handler: Handler | None) -> Handler | None:
        """A handler that tells that the call goes on, before the one that is given: for what is thrown into it."""
        if handler is None or handler is self._root:  # the call ends, and that tells it
            return handler
        key = (id(handler.target), handler.depth, handler.lasti)
        if key not in self._thrown:
            going = Instruction(_BACK, target=handler.target)
            self._thrown[key] = self._on_exception(
                self._hooks.resume, going, depth=handler.depth, lasti=handler.lasti, takes=False
            )
        return self._thrown[key]

    def _on_exception(
        self, hook: Callable[..., None], out: Instruction, *, depth: int, lasti: bool, takes: bool
    ) -> Handler:
        """A trampoline, as in `trampolines`: call, then go on with the exception, or with a signal's in its place."""
        block = self._guarded(hook, self._hooks.ends, NOWHERE, out, takes=takes)
        drop = Instruction(op["POP_TOP"])
        late = [
            Instruction(op["LOAD_CONST"], self._constant(RecursionError)),
            Instruction(op["CHECK_EXC_MATCH"]),
            Instruction(op["POP_JUMP_FORWARD_IF_TRUE"], target=drop),
            Instruction(op["SWAP"], 2),
            drop,
            Instruction(_BACK, target=out),
        ]
        caught = Handler(late[0], depth + lasti + 1, lasti=False)
        for instruction in block[2:]:
            instruction.handler = caught
        self._tail += [*block, out, *late]
        return Handler(block[0], depth, lasti)

    def _constant(self, value: object) -> int:
        number = self._numbers.get(id(value))
        if number is None:
            number = self._numbers[id(value)] = len(self._constants)
            self._constants.append(value)
        return number


def _send_loops(instructions: Sequence[Instruction]) -> dict[int, Instruction]:
    """The SEND of each YIELD_VALUE that waits for another generator, by the id of that instruction."""
    found: dict[int, Instruction] = {}
    for send, after in pairwise(instructions):
        if send.op == _SEND:
            if after.op != _YIELD:
                raise ValueError("a SEND without a YIELD_VALUE")
            found[id(after)] = send
    return found
