"""What is loaded: modules, the functions that can be reached from them, and the code objects in those.

Read from where the interpreter has it: nothing here asks an object for an attribute that its class could compute. A
walk is bounded, and pauses every other millisecond, so that no thread of the service waits long for its turn.
"""

from __future__ import annotations

import functools
import gc
import sys
from types import CellType, CodeType, FunctionType, MethodType, ModuleType

from pyrometer.agent.getters import CONTAINER_SUBCLASS, HEAP_TYPE, TYPE_SUBCLASS, flags_of, globals_of, scope_of
from pyrometer.agent.mappings import held
from pyrometer.agent.slices import Slices
from pyrometer.agent.stacks import module_in, module_of, outward
from pyrometer.link.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

MAX_OBJECTS = 1_000_000
"""Objects that one walk looks at."""
MAX_OBJECTS_A_MODULE = 50_000
MAX_ITEMS = 1000
"""Items of a container, or of what an object refers to; larger ones are passed by."""
MAX_DEPTH = 8
"""Steps from a module's variable to a function: decorators, classes, closures."""
_NEAR = 3
"""Steps within which containers and instances are looked into."""
MAX_FRAMES = 1000
"""Frames of one thread that are looked at for code that runs now."""


class Place(NamedTuple):
    """A code object, and the module whose code it is."""

    code: CodeType
    module: str


class Walk:
    """One walk: remembers where it was, and makes the pauses. Use it in a thread of the agent's, then drop it."""

    def __init__(self) -> None:
        self._seen: dict[int, object] = {}
        self._slices = Slices()

    def functions(self, module: ModuleType) -> Iterator[FunctionType]:
        """Functions that a module's variables lead to, also through classes, decorators and closures.

        Those of other modules are among them where this one imported them, but not the insides of their classes.
        """
        name = module_name(module)
        layer: list[Any] = list(globals_of(module).values())
        visited = 0
        for depth in range(MAX_DEPTH + 1):  # what is near comes first
            further: list[Any] = []
            for obj in layer:
                if visited >= MAX_OBJECTS_A_MODULE or not self._is_new(obj):
                    continue
                inside = _children(obj, name, depth)
                if inside is None:  # another module, or a shorter way, may lead into it yet
                    del self._seen[id(obj)]
                    continue
                visited += 1
                if type(obj) is FunctionType:
                    yield obj
                further += inside
            layer = further

    def codes(self, code: CodeType) -> Iterator[CodeType]:
        """A code object and those nested in it: functions, classes, comprehensions."""
        waiting = [code]
        while waiting:
            code = waiting.pop()
            if self._is_new(code):
                yield code
                waiting += [const for const in code.co_consts if type(const) is CodeType]

    def breathe(self) -> None:
        """Count a step; let others run if it is time to."""
        self._slices.breathe()

    def _is_new(self, obj: object) -> bool:
        self._slices.breathe()
        if id(obj) in self._seen or len(self._seen) >= MAX_OBJECTS:
            return False
        self._seen[id(obj)] = obj
        return True


def modules() -> list[tuple[str, ModuleType]]:
    """Names and modules of `sys.modules`; what is there without being a module is left out."""
    loaded = sys.modules
    if type(loaded) is not dict:
        return []
    return [(name, mod) for name, mod in list(loaded.items()) if type(name) is str and _is_module(mod)]


def module_name(module: ModuleType) -> str:
    """`__name__` of a module, "" where that is not a plain text."""
    return _text(held(globals_of(module), "__name__"))


def module_file(module: ModuleType) -> str:
    """`__file__` of a module, "" where that is not a plain text."""
    return _text(held(globals_of(module), "__file__"))


def module_value(module: ModuleType, name: str) -> object:
    """A variable of a module; None where there is none."""
    return held(globals_of(module), name)


def module_global(module: str, name: str) -> Any:
    """A variable of a module that is loaded; None where there is no such thing."""
    found = sys.modules.get(module)
    return held(globals_of(found), name) if type(found) is ModuleType else None


def module_loader(module: ModuleType) -> object:
    """`__loader__` of a module; None where there is none."""
    return held(globals_of(module), "__loader__")


def function_module(function: FunctionType) -> str:
    """Name of the module that a function's code belongs to, whatever a decorator wrote on it."""
    return module_in(function.__globals__)


def running() -> list[Place]:
    """Code that runs in any thread at this moment: the only way to the bodies of modules."""
    found: dict[int, Place] = {}
    for top in sys._current_frames().values():
        for frame in outward(top, MAX_FRAMES):
            found[id(frame.f_code)] = Place(frame.f_code, module_of(frame))
    return list(found.values())


def _children(obj: Any, module: str, depth: int) -> Iterable[object] | None:
    """What an object leads to on the way to functions of the module; None where it is not entered from here."""
    kind = type(obj)
    if kind is FunctionType:
        return _cells(obj) + _wrapped(obj)
    if kind is ModuleType or kind is CodeType:
        return ()
    if flags_of(kind) & TYPE_SUBCLASS:
        scope = gc.get_referents(scope_of(obj) or {})  # None of a C type that its module has not made ready
        return list(scope[0].values()) if scope and _text(held(scope[0], "__module__")) == module else None
    if id(kind) in _WRAPPERS:
        return gc.get_referents(obj)
    if id(kind) in _CONTAINERS:
        if len(obj) > MAX_ITEMS:
            return ()
        return gc.get_referents(obj) if depth < _NEAR else None
    if flags_of(kind) & HEAP_TYPE and not flags_of(kind) & CONTAINER_SUBCLASS:
        if depth >= _NEAR:
            return None
        inside = gc.get_referents(obj)
        return inside if len(inside) <= MAX_ITEMS else ()
    return ()


def _cells(function: FunctionType) -> list[object]:
    found = []
    for cell in function.__closure__ or ():
        try:
            found.append(cell.cell_contents)
        except ValueError:  # not filled yet
            continue
    return found


def _wrapped(function: FunctionType) -> list[object]:
    """What `functools.wraps` noted. Asking for `__dict__` would make one for every function that has none."""
    scope = function.__globals__
    dicts = [each for each in gc.get_referents(function) if type(each) is dict and each is not scope]
    return [value for each in dicts if (value := held(each, "__wrapped__")) is not None]


def _is_module(obj: object) -> bool:
    try:
        return type(globals_of(obj)) is dict
    except TypeError:
        return False


def _text(value: object) -> str:
    return value if type(value) is str else ""


_WRAPPERS = frozenset(
    id(kind)
    for kind in (
        *(staticmethod, classmethod, property, MethodType, CellType),
        *(functools.partial, functools.partialmethod, functools.cached_property, type(functools.lru_cache(id))),
    )
)
_CONTAINERS = frozenset(map(id, (list, tuple, dict, set, frozenset)))
