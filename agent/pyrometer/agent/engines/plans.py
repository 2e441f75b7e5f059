"""What an arrangement makes of code objects on 3.11: which are rewritten, how, and whether it worked.

Code objects nest: a function that is made by another is a constant of its maker's code. So one that is rewritten
changes those around it, and a code object comes out as it was where nothing in it is wanted.
"""

from __future__ import annotations

from types import CodeType

from pyrometer.agent.codes import body_run_once, file_of, name_of
from pyrometer.agent.engines import Placement
from pyrometer.agent.engines.calls import Call, CallbackMaker
from pyrometer.agent.engines.rewriting import Injection, inject_calls
from pyrometer.agent.engines.switches import Guard, Words
from pyrometer.agent.engines.timing import time_calls
from pyrometer.agent.engines.trampolines import divert_exceptions
from pyrometer.link.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import Any

    from pyrometer.agent.engines import LinePoint
    from pyrometer.agent.engines.catching import TableCallback
    from pyrometer.agent.engines.timing import Hooks

MAX_BYTES = 65_536
"""Bytecode of a function that gets calls: some 2,000 lines, 200 ms."""
MAX_WATCHED_BYTES = 1 << 20
"""Bytecode of a function whose exceptions are watched."""


class _Made(NamedTuple):
    """A code object that was rewritten."""

    original: CodeType
    code: CodeType
    signature: tuple[object, ...]
    calls: list[Call]
    timed: bool
    """Whether its calls are timed."""


class _Pending(NamedTuple):
    """Calls of a point whose code object is not finished."""

    point: LinePoint
    callback: Callable[..., object]
    guard: Guard | None
    offsets: list[int]


class Plan:
    """One arrangement. Ask `concerns` and `watch_code` first, then `code_for`, then for what came of it."""

    def __init__(
        self,
        points: Iterable[LinePoint],
        watch: TableCallback | None,
        store: Callable[[CodeType, int], Callable[[int], None]] | None,
        exhausted: Callable[[str], None],
    ) -> None:
        self.watch = watch
        self._store = store
        self._exhausted = exhausted
        self._points: dict[int, list[LinePoint]] = {}
        self._tallies: dict[str, object] = {}
        self._codes: dict[int, CodeType] = {}
        for point in points:
            self._add(point)
        self.files = {file_of(code) for code in self._codes.values()}
        self._held: dict[int, CodeType] = {}
        self._concerns: dict[int, tuple[CodeType, bool]] = {}
        self._watched: dict[int, CodeType] = {}
        self._hooks: dict[int, Hooks] = {}
        self._made: dict[tuple[int, int], _Made] = {}
        self._before: dict[tuple[int, int], _Made] = {}
        self._placed: set[str] = set()
        self._failures: dict[str, list[str]] = {}

    def _add(self, point: LinePoint) -> None:
        """Take a point. The same one may come twice: as the code that runs, and as what it was made from."""
        self._codes[id(point.code)] = point.code
        self._tallies[point.probe_id] = point.tally
        known = self._points.setdefault(id(point.code), [])
        if not any(each.probe_id == point.probe_id and each.line == point.line for each in known):
            known.append(point)

    def time(self, code: CodeType, hooks: Hooks, probes: Mapping[str, object]) -> None:
        """Time the calls of a code object, for some probes: their tallies by their ids."""
        self._codes[id(code)] = code
        self.files.add(file_of(code))
        self._tallies.update(probes)
        self._hooks[id(code)] = hooks

    def concerns(self, code: CodeType) -> bool:
        """Whether a wanted code object is this one or nested in it."""
        known = self._concerns.get(id(code))
        if known is not None:
            return known[1]
        if id(code) in self._codes:
            self._held[id(code)] = code
        inside = [self.concerns(nested) for nested in nested_codes(code)]
        answer = id(code) in self._codes or any(inside)
        self._concerns[id(code)] = (code, answer)
        return answer

    def is_found(self) -> bool:
        """Whether each wanted code object was met, and none is a closure's: of those there may be more elsewhere."""
        closures = any("<locals>" in name_of(code) for code in self._codes.values())
        return len(self._held) == len(self._codes) and not closures

    def watch_code(self, code: CodeType) -> None:
        """Watch the exceptions of a code object and of those nested in it."""
        if id(code) not in self._watched:
            self._watched[id(code)] = code
            for nested in nested_codes(code):
                self.watch_code(nested)

    def reuse(self, before: Plan | None) -> None:
        """Take over from an earlier plan what would come out the same; None when all is made."""
        self._before = before._made if before is not None else {}

    def wants(self, point: LinePoint) -> bool:
        """Whether a point, in whatever code, is of a probe that is armed."""
        return self._tallies.get(point.probe_id) is point.tally

    def code_for(self, code: CodeType, scope: dict[str, Any]) -> CodeType:
        """What a function of this code and these globals is to run."""
        key = (id(code), id(scope))
        if key in self._made:
            return self._made[key].code
        constants = [self.code_for(each, scope) if type(each) is CodeType else each for each in code.co_consts]
        points, watched = self._points.get(id(code), []), id(code) in self._watched
        changed = [id(new) for new, old in zip(constants, code.co_consts, strict=True) if new is not old]
        hooks = self._hooks.get(id(code))
        if not points and not watched and not changed and hooks is None:
            return code
        identity = [(point.probe_id, point.line, id(point.tally), id(point.meter)) for point in points]
        signature = (*identity, watched and id(self.watch), hooks and id(hooks), *changed)
        made = self._before.get(key)
        stale = made is None or made.original is not code or made.signature != signature
        if made is None or stale or (points and not made.calls) or (hooks is not None and not made.timed):
            made = self._make(code.replace(co_consts=tuple(constants)) if changed else code, code, scope, signature)
        self._made[key] = made
        self._placed.update(call.point.probe_id for call in made.calls)
        if hooks is not None and made.timed:
            self._placed.update(hooks.probe_ids)
        return made.code

    def _make(self, code: CodeType, original: CodeType, scope: dict[str, Any], signature: tuple[object, ...]) -> _Made:
        """Rewrite. What is not as a compiler writes it stays as it is: the service is not to suffer for it."""
        points = self._points.get(id(original), [])
        code, timed = self._timed(code, original)
        try:
            injected, pending = self._with_calls(code, points, scope) if points else (code, [])
            result = self._with_trampolines(injected, original)
            calls = [Call(each.point, self._switch(result, each), each.callback) for each in pending]
        except Exception as error:
            self._fail(points, str(error) if isinstance(error, _Refused) else f"can't rewrite: {error!r}", original)
            return _Made(original, self._with_trampolines(code, original), signature, [], timed)
        return _Made(original, result, signature, calls, timed)

    def _timed(self, code: CodeType, original: CodeType) -> tuple[CodeType, bool]:
        """It with its calls timed, if that is wanted and can be; and whether it is so."""
        hooks = self._hooks.get(id(original))
        if hooks is None:
            return code, False
        try:
            if len(code.co_code) > MAX_BYTES:
                raise _Refused(_too_long(code))
            return time_calls(code, hooks), True
        except Exception as error:
            why = str(error) if isinstance(error, _Refused) else f"can't rewrite: {error!r}"
            for probe_id in hooks.probe_ids:
                self._failures.setdefault(probe_id, []).append(f"{name_of(original)}: {why}")
            return code, False

    def _with_trampolines(self, code: CodeType, original: CodeType) -> CodeType:
        if self.watch is None or id(original) not in self._watched or len(code.co_code) > MAX_WATCHED_BYTES:
            return code
        try:
            return divert_exceptions(code, self.watch.function, self.watch.guard, self.watch.again)
        except Exception:  # its exceptions are seen in the frames that they go to
            return code

    def _with_calls(
        self, code: CodeType, points: Sequence[LinePoint], scope: dict[str, Any]
    ) -> tuple[CodeType, list[_Pending]]:
        if len(code.co_code) > MAX_BYTES:
            raise _Refused(_too_long(code))
        injections = [
            Injection(
                point.line,
                point.condition.names if point.condition is not None else (),
                CallbackMaker(point, code, scope, self._exhausted),
                None if self._store is not None else Guard(),
            )
            for point in points
        ]
        injected = inject_calls(code, injections)
        each = zip(points, injected.callbacks, injections, injected.switches, strict=True)
        pending = [_Pending(point, made, injection.guard, offsets) for point, made, injection, offsets in each]
        for unreached in (one for one in pending if not one.offsets):
            self._fail([unreached.point], f"line {unreached.point.line} is never reached", code)
        return injected.code, [one for one in pending if one.offsets]

    def _switch(self, code: CodeType, pending: _Pending) -> Words | Guard:
        if pending.guard is not None:
            return pending.guard
        assert self._store is not None
        return Words(code, pending.offsets, self._store)

    def _fail(self, points: Iterable[LinePoint], why: str, code: CodeType) -> None:
        for point in points:
            self._failures.setdefault(point.probe_id, []).append(f"{name_of(code)}: {why}")

    def refuse(self, code: CodeType, why: str) -> None:
        """Note that a function could not be given its code."""
        for made in self._made.values():
            if made.code is code:
                self._fail([call.point for call in made.calls], why, made.original)
                self._placed.difference_update(call.point.probe_id for call in made.calls)
                self._refuse_timing(made, why)

    def _refuse_timing(self, made: _Made, why: str) -> None:
        hooks = self._hooks.get(id(made.original))
        for probe_id in hooks.probe_ids if hooks is not None else ():
            self._failures.setdefault(probe_id, []).append(f"{name_of(made.original)}: {why}")
            self._placed.discard(probe_id)

    def made(self) -> Iterator[tuple[CodeType, CodeType]]:
        """Code objects that were made, and what from."""
        return ((made.code, made.original) for made in self._made.values())

    def calls(self) -> Iterator[Call]:
        """The calls in all of them."""
        return (call for made in self._made.values() for call in made.calls)

    def placements(self, note: str) -> list[Placement]:
        """What came of each probe with lines."""
        return [self._placement(probe_id, note) for probe_id in self._tallies]

    def _placement(self, probe_id: str, note: str) -> Placement:
        failures = self._failures.get(probe_id, [])
        if probe_id in self._placed:
            return Placement(probe_id, note="; ".join([note, *failures]))
        return Placement(probe_id, error="; ".join(failures) or self._unreachable(probe_id))

    def _unreachable(self, probe_id: str) -> str:
        keys = [key for key, points in self._points.items() if any(point.probe_id == probe_id for point in points)]
        keys += [key for key, hooks in self._hooks.items() if probe_id in hooks.probe_ids]
        codes = [self._codes[key] for key in keys]
        once = [words for code in codes if (words := body_run_once(code))]
        if once:
            return f"the line is in {once[0]}, which runs once, when it is imported; lines of functions can be probed"
        names = [name_of(code) for code in codes]
        return f"no function was found that runs {', '.join(names)}: it was replaced, or is held where we do not look"


class _Refused(Exception):
    """A code object that is not rewritten, by a rule of ours."""


def _too_long(code: CodeType) -> str:
    return f"it has {len(code.co_code)} bytes of bytecode, and over {MAX_BYTES} none is rewritten"


def nested_codes(code: CodeType) -> list[CodeType]:
    """Code objects among the constants of one."""
    return [each for each in code.co_consts if type(each) is CodeType]
