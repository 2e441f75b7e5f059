"""The calls that lines get on 3.11: what is passed to the callback, and what the callback does with it."""

from __future__ import annotations

from functools import partial

from pyrometer.agent.engines.callbacks import Source, build, frame_binding, global_in, point_source, retire
from pyrometer.agent.expressions import EvaluationError
from pyrometer.agent.frames import UNSET, local_names, local_reader
from pyrometer.agent.translation import SHARED
from pyrometer.link.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import CodeType
    from typing import Any

    from pyrometer.agent.engines import LinePoint
    from pyrometer.agent.engines.rewriting import Argument
    from pyrometer.agent.engines.switches import Guard, Words

_OPTIMIZED = 1
_MARK = "0"


class Call(NamedTuple):
    """The calls of one point in one code object."""

    point: LinePoint
    switch: Words | Guard
    callback: Callable[..., object]

    def __hash__(self) -> int:
        return id(self.callback)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Call) and self.callback is other.callback

    def retire(self) -> None:
        """Switch it off for good; a thread that is on its way into it finds nothing to do."""
        self.switch.turn(on=False)
        retire(self.callback, _MARK)
        place = self.callback.__globals__  # a closure may keep it: it is not to keep globals, or a class that was read
        own = () if self.point.condition is None else self.point.condition.namespace
        for name in [name for name in place if name[:5] == "read_" or (name in own and name not in SHARED)]:
            place[name] = _over
        place[f"exhausted{_MARK}"] = _inert  # it knows the condition
        self.callback.__code__ = _inert.__code__


def _inert(*_: object) -> None:
    return None


def _over(*_: object) -> object:
    raise EvaluationError("the probe is over")


class CallbackMaker:
    """Makes the callback of a point, when it is known what it can be given."""

    def __init__(
        self, point: LinePoint, code: CodeType, scope: dict[str, Any], exhausted: Callable[[str], None]
    ) -> None:
        self._point = point
        self._code = code
        self._scope = scope
        self._exhausted = exhausted

    def __call__(self, arguments: Sequence[Argument]) -> Callable[..., object]:
        """Make it, for calls with these arguments."""
        point, exhausted = self._point, self._exhausted
        source = point_source(
            point,
            _MARK,
            frame="getframe(1)",
            binding=self._binding(arguments),
            exhausted=lambda: exhausted(point.probe_id),
        )
        parameters = [f"c_{each.name}" if each.cell else f"v_{each.name}" for each in arguments]
        return build("at_line", parameters, source.lines, source.namespace)

    def _binding(self, arguments: Sequence[Argument]) -> Source:
        names = self._point.condition.names if self._point.condition is not None else ()
        if not self._code.co_flags & _OPTIMIZED:
            return frame_binding(names, "getframe(1)", _MARK)
        lines: list[str] = []
        namespace: dict[str, Any] = {"unset": UNSET}
        for each in arguments:
            if each.cell:
                lines += [f"try: v_{each.name} = c_{each.name}.cell_contents", "except ValueError: pass"]
        given = {each.name for each in arguments}
        for name in names:
            if name not in given:
                namespace[f"read_{name}"], call = self._reader(name)
                lines += [f"v_{name} = read_{name}({call})", f"if v_{name} is unset: del v_{name}"]
        return Source(lines, namespace)

    def _reader(self, name: str) -> tuple[Callable[..., object], str]:
        """What reads a name that is not given, and what to call it with."""
        if name in local_names(self._code):
            return local_reader(self._code, name), "getframe(1)"
        return partial(global_in, self._scope), repr(name)
