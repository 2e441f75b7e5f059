"""The probe engine of Python 3.11: it gives functions rewritten code objects, and their own ones back.

`rewriting` puts calls before lines, `trampolines` leads exceptions through a callback; `plans` says which code objects
that takes. Here is what they are for: which functions bear them, and which calls are on.

A function's next call runs its new code. Frames that already run go on with what they have: they see nothing of a
probe that comes, and of one that goes they are told by its switch. So "disarmed" means: every function has its own code
again, and what still runs is inert. What other tools have made of a function meanwhile is left alone.
"""

from __future__ import annotations

import sys
from _weakref import ref

from pyrometer.agent import frames, loaded
from pyrometer.agent.codes import file_of, name_of
from pyrometer.agent.engines import Placement
from pyrometer.agent.engines.catching import TableCallback
from pyrometer.agent.engines.plans import Plan, nested_codes
from pyrometer.agent.engines.switches import Guard, word_store
from pyrometer.agent.engines.timing import TimedCalls
from pyrometer.agent.engines.trail import Trail
from pyrometer.link.errors import EngineUnavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from types import CodeType, FunctionType

    from pyrometer.agent.engines import CallPoint, ExceptionPoint, LinePoint
    from pyrometer.agent.engines.calls import Call

MAX_FUNCTIONS = 20_000
"""Functions whose exceptions are watched at once."""
NOTE = "on Python 3.11 new calls are seen, frames that already run are not"


class BytecodeEngine:
    """Arms lines and exceptions by rewriting functions. Used under the registry's lock, but for `pause`."""

    name = "bytecode"

    def __init__(self) -> None:
        if sys.version_info[:2] != (3, 11) or sys.implementation.name != "cpython":
            raise EngineUnavailable("the bytecode engine is for CPython 3.11")
        self.fates = Trail(self._is_ours, self._is_replaced)
        self._functions: dict[int, FunctionType] = {}
        """Those that bear code of ours, by id."""
        self._originals: dict[int, tuple[ref[CodeType], CodeType]] = {}
        """What each code object of ours was made from, by its id. It may outlive its probe, in frames and closures."""
        self._replaced: dict[int, CodeType] = {}
        """What new calls do not run, by id: the code of functions that bear another one now."""
        self._calls: dict[str, list[Call]] = {}
        """By probe; calls in code that was replaced since are among them while their probe is armed."""
        self._plan: Plan | None = None
        self._watch: TableCallback | None = None
        self._store = word_store()
        self._timed = TimedCalls()

    def arrange(
        self, lines: Sequence[LinePoint], exceptions: Sequence[ExceptionPoint], calls: Sequence[CallPoint] = ()
    ) -> list[Placement]:
        """Make exactly these points live. Takes 0.3 ms a function with a line, 0.05 ms one with exceptions alone."""
        frames.prepare()
        self._forget_dead()
        watch = self._watch_for(exceptions)
        plan = Plan(
            [point._replace(code=self._original(point.code)) for point in lines], watch, self._store, self._exhausted
        )
        self._timed.arrange(calls, self._original)
        for code, hooks in self._timed.hooks():
            plan.time(code, hooks, {point.probe_id: point.tally for point in calls})
        concerned = self._concerned(plan, exceptions)
        plan.reuse(self._plan)
        self._enact(plan, concerned)
        plan.reuse(None)
        if self._watch is not None and self._watch is not watch:
            self._watch.retire()
        self._plan, self._watch = plan if concerned else None, watch
        self.fates.rested = _nothing if watch is None else watch.rest
        self._timed.settle()
        if exceptions:
            self.fates.attend()
        else:
            self.fates.dismiss()
        return [*plan.placements(NOTE), *map(_placement, exceptions)]

    def pause(self, probe_id: str, *, paused: bool) -> None:
        """Switch a probe's calls off or on again, in frames that run, too."""
        watch = self._watch
        if watch is not None and watch.serves(probe_id):
            watch.guard.turn(on=not paused or bool(self.fates.fates))
        for call in self._calls.get(probe_id, ()):
            call.switch.turn(on=not paused)
        if not paused:
            self._timed.turn_on(probe_id)

    def open_calls(self, probe_id: str, now: float) -> tuple[int, float]:
        """How many calls that a probe watches are open, and for how many seconds the first of them is."""
        return self._timed.open_calls(probe_id, now)

    def leave(self) -> None:
        """Give every function its own code back, and closures that can be reached."""
        self.arrange([], [])

    def owned(self) -> bool:
        """True: there is nothing that another tool could take but single functions, which `arrange` finds out."""
        return True

    def _exhausted(self, probe_id: str) -> None:
        """A meter is at 0. In the service's thread; the governor may be refilling it at this moment."""
        for call in self._calls.get(probe_id, ()):
            if call.point.meter.deciding:
                continue
            call.switch.turn(on=False)
            if call.point.meter.left > 0:
                call.switch.turn(on=True)

    def _watch_for(self, exceptions: Sequence[ExceptionPoint]) -> TableCallback | None:
        """The callback for exceptions: the same as before, if it can be, since it is in every function of the scope."""
        if not exceptions:
            return None
        watch = self._watch
        if watch is None or watch.meter is not exceptions[0].meter:
            return TableCallback(exceptions, Guard(), self.fates)
        watch.change(exceptions)
        return watch

    def _concerned(self, plan: Plan, exceptions: Sequence[ExceptionPoint]) -> dict[int, FunctionType]:
        """The functions that hold the plan's code objects, and those whose exceptions are watched."""
        found = {id(function): function for function in self._holding(plan)}
        for point in exceptions:
            for function in point.functions[:MAX_FUNCTIONS]:
                plan.watch_code(self._original(function.__code__))
                found[id(function)] = function
        return found

    def _holding(self, plan: Plan) -> Iterator[FunctionType]:
        """Functions whose code is wanted, or has wanted code nested in it. Looked for where they should be, first."""
        missing = set(plan.files)
        if not missing:
            return
        modules = [module for _, module in loaded.modules()]
        near = [module for module in modules if loaded.module_file(module) in missing]
        for group in (near, modules):
            walk = loaded.Walk()
            for module in group:
                for function in walk.functions(module):
                    if file_of(function.__code__) in plan.files and plan.concerns(self._original(function.__code__)):
                        yield function
            if plan.is_found():
                return

    def _enact(self, plan: Plan, concerned: dict[int, FunctionType]) -> None:
        """Give every function the code that the plan has for it, and switch its calls on."""
        codes = {
            key: plan.code_for(self._original(function.__code__), function.__globals__)
            for key, function in concerned.items()
        }
        for made, original in plan.made():
            self._originals[id(made)] = (ref(made), original)
        self._switch_over(plan)
        before, self._functions = self._functions, {**self._functions, **concerned}  # both: a fork may come between
        for key, function in concerned.items():
            self._give(function, codes[key], plan)
        left = {key: function for key, function in before.items() if key not in concerned}
        for function in left.values():
            self._give(function, self._original(function.__code__), plan)
        self._functions = {key: each for key, each in concerned.items() if codes[key] is not self._original(codes[key])}
        own = (self._original(each.__code__) for each in self._functions.values())
        self._replaced = {id(code): code for code in own if "<locals>" not in name_of(code)}
        self._sweep(left.values(), plan)

    def _give(self, function: FunctionType, code: CodeType, plan: Plan) -> None:
        if function.__code__ is code:
            return
        try:
            function.__code__ = code
        except Exception as error:  # an audit hook of the service may refuse it
            plan.refuse(code, f"{name_of(code)} can't be given other code: {type(error).__name__}: {error}")

    def _switch_over(self, plan: Plan) -> None:
        """Switch on what the plan wants, and off what it does not, in code that was replaced as well."""
        calls: dict[str, list[Call]] = {}
        dropped = []
        known = [call for each in self._calls.values() for call in each]
        for call in dict.fromkeys([*known, *plan.calls()]):
            if plan.wants(call.point):
                calls.setdefault(call.point.probe_id, []).append(call)
            else:
                dropped.append(call)
        self._calls = calls
        for call in dropped:
            call.retire()
        for each in calls.values():
            for call in each:
                call.switch.turn(on=call.point.meter.left > 0)
        if plan.watch is not None:
            plan.watch.guard.turn(on=plan.watch.meter.left > 0)

    def _sweep(self, restored: Iterable[FunctionType], plan: Plan) -> None:
        """Give their own code to closures that were made while their makers bore ours, where they can be reached."""
        makers = [function for function in restored if any(nested_codes(function.__code__))]
        names = {loaded.function_module(function) for function in makers}
        walk = loaded.Walk()
        for name, module in loaded.modules():
            for function in walk.functions(module) if name in names else ():
                if id(function) not in self._functions:
                    self._give(function, self._original(function.__code__), plan)

    def _is_ours(self, code: CodeType) -> bool:
        """Whether a code object was made by us."""
        known = self._originals.get(id(code))
        return known is not None and known[0]() is code

    def _is_replaced(self, code: CodeType) -> bool:
        """Whether a frame of this code has run since before its function was given another one."""
        return id(code) in self._replaced

    def _original(self, code: CodeType) -> CodeType:
        """What a code object was before us."""
        known = self._originals.get(id(code))
        return known[1] if known is not None and known[0]() is code else code

    def _forget_dead(self) -> None:
        self._originals = {key: known for key, known in self._originals.items() if known[0]() is not None}


def _nothing() -> None:
    """Where nobody watches exceptions there is nothing to switch off."""


def _placement(point: ExceptionPoint) -> Placement:
    """What came of a point on exceptions."""
    if not point.functions:
        return Placement(point.probe_id, note=f"{NOTE}; no function of the scope is loaded yet")
    if len(point.functions) > MAX_FUNCTIONS:
        return Placement(point.probe_id, note=f"{NOTE}; of the scope's functions the first {MAX_FUNCTIONS} are watched")
    return Placement(point.probe_id, note=NOTE)
