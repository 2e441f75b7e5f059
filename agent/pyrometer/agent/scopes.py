"""Which exceptions and which frames a probe means: a type's name, and a pattern of module names.

Both are asked in the service's threads, about objects of the service's, and run none of its code.
"""

from __future__ import annotations

import os
import sys

from pyrometer.agent.attributes import mro, qualified_name
from pyrometer.agent.codes import file_of
from pyrometer.agent.stacks import module_of
from pyrometer.guard.policy import glob_match

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FrameType

MAX_REMEMBERED = 4096
"""Code objects whose answer is remembered."""

_qualname_of = type.__dict__["__qualname__"].__get__
_STANDARD_LIBRARY = os.path.dirname(getattr(os, "__file__", "")) + "/"
"""Its folder; a program that was packed into one file may have none."""


class TypeName:
    """An exception type as a person names it: with its module, with the last parts of it, or without."""

    def __init__(self, name: str) -> None:
        self._name = name.removeprefix("builtins.")
        self._ending = "." + self._name
        self._last = self._name.rpartition(".")[2]

    def __call__(self, exc: BaseException) -> bool:
        """Whether an exception is of a type so named, or of a subclass of one."""
        return any(self._names(qualified_name(cls)) for cls in mro(type(exc)))

    def is_loaded(self) -> bool:
        """Whether any exception type of this name exists by now."""
        waiting: list[type] = [BaseException]
        seen: set[int] = set()
        while waiting:
            cls = waiting.pop()
            if str.endswith(_qualname_of(cls), self._last) and self._names(qualified_name(cls)):
                return True
            subclasses: list[type] = type.__subclasses__(cls)
            fresh = [sub for sub in subclasses if id(sub) not in seen]
            seen.update(id(sub) for sub in fresh)
            waiting += fresh
        return False

    def _names(self, full: str) -> bool:
        return full == self._name or full.endswith(self._ending)


class Scope:
    """The modules whose frames count: a package, those that match a pattern, or all but the standard library's.

    Our own frames and those of modules that the owner forbids are never in scope. The answer is remembered for each
    code object, which is held meanwhile.
    """

    def __init__(self, pattern: str, forbids: Callable[[str], bool] = lambda _: False) -> None:
        self._pattern = pattern if not pattern or "*" in pattern else f"{pattern}.*"
        self._forbids = forbids
        self._known: dict[int, tuple[CodeType, bool]] = {}

    def __call__(self, code: CodeType, frame: FrameType) -> bool:
        """Whether a frame of this code is in scope."""
        known = self._known.get(id(code))
        if known is not None:
            return known[1]
        if len(self._known) >= MAX_REMEMBERED:
            self._known.clear()
        answer = self.has_module(module_of(frame), file_of(code))
        self._known[id(code)] = (code, answer)
        return answer

    def has_module(self, module: str, filename: str) -> bool:
        """Whether code of this module and file is in scope."""
        if is_ours(module) or self._forbids(module):
            return False
        if self._pattern:
            return glob_match(self._pattern, module)
        return not is_standard_library(module, filename)


def is_ours(module: str) -> bool:
    """Whether a module is Pyrometer's own."""
    return module == "pyrometer" or module.startswith("pyrometer.")


def closed(forbids: Callable[[str], bool]) -> Callable[[str], bool]:
    """What tells modules whose values stay inside: ours, and those that the owner forbids. Answers are remembered."""
    return _Closed(forbids).__getitem__


class _Closed(dict[str, bool]):
    """Module names with their answers, up to a number."""

    def __init__(self, forbids: Callable[[str], bool]) -> None:
        super().__init__()
        self._forbids = forbids

    def __missing__(self, module: str) -> bool:
        if len(self) >= MAX_REMEMBERED:
            self.clear()
        answer = self[module] = is_ours(module) or self._forbids(module)
        return answer


def is_standard_library(module: str, filename: str) -> bool:
    """Whether code is Python's own, by the module's name and the file that it came from."""
    if filename.startswith("<frozen "):
        return True
    named_so = module.partition(".")[0] in sys.stdlib_module_names
    return named_so and filename.startswith(_STANDARD_LIBRARY) and "/site-packages/" not in filename
