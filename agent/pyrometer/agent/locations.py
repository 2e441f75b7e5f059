"""Locations: what a person writes (FILE:LINE, MODULE:FUNCTION, a scope) → code objects and functions.

To be called on the agent's threads; a walk through 3,000 modules takes some tens of milliseconds of processor time.
"""

from __future__ import annotations

import opcode
import sys
from _frozen_importlib import ModuleSpec
from types import BuiltinFunctionType

from pyrometer.agent.attributes import qualified_name
from pyrometer.agent.codes import file_of, name_of
from pyrometer.agent.loaded import (
    Place,
    Walk,
    function_module,
    module_file,
    module_name,
    module_value,
    modules,
    running,
)
from pyrometer.agent.scopes import Scope, is_ours
from pyrometer.agent.silent import why
from pyrometer.agent.sources import read_lines
from pyrometer.guard.policy import glob_match
from pyrometer.link.errors import AmbiguousPlace, NoSuchFunction, NoSuchPlace, Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import CodeType, FunctionType, ModuleType

MAX_FUNCTIONS = 1000
"""Code objects that one probe may be placed in."""
_SHOWN = 8
"""Candidates that a message lists."""
_OURS = "pyrometer/"
"""In the name of a file: it is ours that is meant."""
_RESUME = opcode.opmap["RESUME"]
_RESUME_SIZE = 2 if sys.version_info < (3, 15) else 4
"""Bytes of it with its cache."""


def find_line(
    file: str, line: int, *, forbids: Callable[[str], bool] = lambda _: False, everywhere: bool = True
) -> list[CodeType]:
    """Code objects with instructions on a line of a file; none where the file is not loaded.

    Args:
        file: whole, or its last parts: `shop/cart.py`.
        forbids: tells modules that the owner keeps from us.
        everywhere: look at functions of all modules, should no module be of that file. Slow.

    Raises:
        AmbiguousPlace: several files end so.
        NoSuchPlace: no code runs there; `next` names the nearest lines.
        Refused: it is in our own code, or in a module that is forbidden.
    """
    wanted = file.removeprefix("./")
    places = _places_of_file(wanted, everywhere=everywhere)
    theirs = [place for place in places if not is_ours(place.module)]
    # One of ours that is called as a file of theirs is not meant; "<string>" is the name of many.
    places = _only_file(theirs if theirs or _OURS not in wanted else places, wanted)
    for place in places:
        _check(place.module, forbids)
    if not places:
        return []
    found = [place.code for place in places if line in executable_lines(place.code)]
    if not found:
        raise _no_code(file, line, places)
    return found


def codes_of_file(file: str) -> list[CodeType]:
    """All code of a file that is loaded or runs, as far as its module leads to it."""
    return [place.code for place in _places_of_file(file, everywhere=False)]


def find_function_codes(
    module: str, function: str, *, forbids: Callable[[str], bool] = lambda _: False
) -> list[CodeType]:
    """Code objects of functions by name, those nested in others included; none where no such module is loaded.

    Raises:
        NoSuchPlace: the module is loaded and has no such function; `next` names some that it has.
        Refused: it is our own code, or too many functions match, or the owner forbids the module.
    """
    matching = _matching_modules(module)
    places = _codes_in(matching)
    found = [place for place in places if _named(function, place.code)]
    for place in found:
        _check(place.module, forbids)
    if len(found) > MAX_FUNCTIONS:
        raise Refused(
            f"{module}:{function} names {len(found)} functions, at most {MAX_FUNCTIONS} are taken",
            reason="BUDGET_EXCEEDED",
        )
    if not found and matching and "*" not in module:
        if kind := _compiled_kind(matching, function):
            raise NoSuchFunction(
                f"{module}:{function} is compiled (a {kind}): it has no Python code",
                next="take the line or the function that calls it",
            )
        names = {_plain_name(place.code) for place in places if "<" not in _plain_name(place.code)}
        raise NoSuchFunction(
            f"{module} has no function {function}",
            next=f"functions there: {_listed(_nearest_first(names, function))}" if names else "",
        )
    return [place.code for place in found]


def functions_in_scope(pattern: str) -> list[FunctionType]:
    """Functions of the modules that a scope means: a pattern, or "" for all but the standard library's."""
    scope, walk = Scope(pattern), Walk()
    return [
        function
        for _, module in modules()
        if scope.has_module(module_name(module), module_file(module))
        for function in walk.functions(module)
        if scope.has_module(function_module(function), file_of(function.__code__))
    ]


def first_line(code: CodeType) -> int:
    """The line that runs first when a function is entered."""
    body = _body(code)
    for _, end, line in code.co_lines():
        if line and end > body:
            return line
    return code.co_firstlineno


def executable_lines(code: CodeType) -> set[int]:
    """Lines before which a probe can be placed. What the interpreter does on entry belongs to none."""
    body = _body(code)
    return {line for _, end, line in code.co_lines() if line and end > body}


def _body(code: CodeType) -> int:
    """Offset of the first instruction after the entry: cells are made, a generator returned, RESUME."""
    instructions = code.co_code
    for offset in range(0, len(instructions), 2):
        if instructions[offset] == _RESUME:
            return offset + _RESUME_SIZE
    return 0


def _places_of_file(file: str, *, everywhere: bool) -> list[Place]:
    """Code of files that end so: of their modules and what runs now; else of any function whatever."""
    walk, meant = Walk(), _FileName(file)
    found = [
        Place(code, place.module)
        for place in running()
        if meant.is_end_of(file_of(place.code))
        for code in walk.codes(place.code)
    ]
    concerned = []
    for name, module in modules():
        walk.breathe()
        if meant.is_end_of(module_file(module)):
            concerned.append((name, module))
    found += _codes_in(concerned, walk, meant)
    if not concerned and everywhere:  # what runs of it at this moment need not be all
        found += _codes_in(modules(), walk, meant)
    return found


def _codes_in(
    concerned: Iterable[tuple[str, ModuleType]], walk: Walk | None = None, meant: _FileName | None = None
) -> list[Place]:
    """Code of the functions in some modules, and of a file: those of other modules that they lead to are left out.

    Of a module that is still being imported it is the code of its body that leads to all the rest.
    """
    walk = walk or Walk()
    names = {name for name, _ in concerned}
    found = [
        Place(code, function_module(function))
        for _, module in concerned
        for function in walk.functions(module)
        if (meant is None or meant.is_end_of(file_of(function.__code__))) and function_module(function) in names
        for code in walk.codes(function.__code__)
    ]
    for place in running():
        if place.module in names and (meant is None or meant.is_end_of(file_of(place.code))):
            found += [Place(code, place.module) for code in walk.codes(place.code)]
    return found


def _only_file(places: list[Place], wanted: str) -> list[Place]:
    """Those of the one file that is meant."""
    files = sorted({file_of(place.code) for place in places})
    if len(files) > 1 and wanted in files:
        files = [wanted]
    if len(files) > 1:
        more = f" and {len(files) - _SHOWN} more" if len(files) > _SHOWN else ""
        raise AmbiguousPlace(
            f"{wanted} may be any of {len(files)} files: {', '.join(files[:_SHOWN])}{more}",
            next="write as many folders as tell them apart",
        )
    return [place for place in places if file_of(place.code) in files]


class _FileName:
    """A file as a person names it: whole, or its last parts."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._ending = "/" + name

    def is_end_of(self, path: str) -> bool:
        """Whether a path ends with it, in whole parts; a path that is itself relative may be the end of it."""
        if path.endswith(self._ending) or path == self._name:
            return True
        return path != "" and path[0] not in "/<" and self._name.endswith("/" + path)


def _no_code(file: str, line: int, places: list[Place]) -> NoSuchPlace:
    lines = sorted(set().union(*(executable_lines(place.code) for place in places)))
    text = read_lines(file_of(places[0].code))
    reason = why(text, line) if text is not None else ""
    nearest = [*[number for number in lines if number < line][-1:], *[number for number in lines if number > line][:1]]
    words = " and ".join(str(number) for number in nearest)
    return NoSuchPlace(
        f"no code that is loaded runs at line {line} of {file}{f' ({reason})' if reason else ''}",
        next=f"the nearest lines: {words}" if nearest else "no function of that file is loaded",
    )


def _check(module: str, forbids: Callable[[str], bool]) -> None:
    if is_ours(module):
        raise Refused("Pyrometer's own code can't be probed", reason="REFUSED_OWN_CODE")
    if forbids(module):
        raise Refused(f"the owner's policy forbids the module {module}")


def _matching_modules(pattern: str) -> list[tuple[str, ModuleType]]:
    found = []
    for name, module in modules():
        if glob_match(pattern, name) or (name == "__main__" and glob_match(pattern, _program_name(module))):
            found.append((module_name(module), module))
    return found


def _program_name(module: ModuleType) -> str:
    """What `__main__` is called by who wrote it: `app` of `python app.py`, `shop.app` of `python -m shop.app`."""
    spec = module_value(module, "__spec__")
    if type(spec) is ModuleSpec and type(spec.name) is str:
        return spec.name.removesuffix(".__main__")
    return module_file(module).rpartition("/")[2].removesuffix(".py")


def _named(pattern: str, code: CodeType) -> bool:
    return glob_match(pattern, _plain_name(code)) or pattern == name_of(code)


def _plain_name(code: CodeType) -> str:
    return name_of(code).replace(".<locals>", "")


def _compiled_kind(matching: list[tuple[str, ModuleType]], function: str) -> str:
    """Name of the type of a function that C or Cython made; "" where there is none of that name."""
    for _, module in matching:
        kind = type(module_value(module, function))
        name = qualified_name(kind).rpartition(".")[2]
        if kind is BuiltinFunctionType or name == "cython_function_or_method":
            return name
    return ""


def _nearest_first(names: Iterable[str], wanted: str) -> list[str]:
    return sorted(names, key=lambda name: (-_common_start(name, wanted), name))


def _common_start(one: str, other: str) -> int:
    """How many letters two names begin with in common."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((count for count, (first, second) in pairs if first != second), min(len(one), len(other)))


def _listed(names: list[str]) -> str:
    more = f", and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
