"""The interpreter's own getters of classes, exceptions and modules, and the flags of classes.

Called straight: no metaclass, no subclass and no `__getattribute__` stands before them.
"""

from __future__ import annotations

from types import ModuleType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

flags_of = type.__dict__["__flags__"].__get__
scope_of = type.__dict__["__dict__"].__get__
"""A class's own namespace; None of a C type that its module has not made ready."""
globals_of: Callable[[Any], dict[str, Any]] = type.__dict__["__dict__"].__get__(ModuleType)["__dict__"].__get__
"""A module's variables."""

args_of = BaseException.__dict__["args"].__get__
context_of = BaseException.__dict__["__context__"].__get__
traceback_of = BaseException.__dict__["__traceback__"].__get__
members_of = BaseExceptionGroup.__dict__["exceptions"].__get__

MANAGED_DICT = 1 << 4
"""Flag of a class whose instances' values are kept by the interpreter, with a dictionary only once it is asked for."""
IMMUTABLE = 1 << 8
"""Flag of a builtin type, or of an extension module's: a class statement can't make one."""
HEAP_TYPE = 1 << 9
"""Flag of a class that was made while running: by a class statement, or by an extension module."""
DICT_SUBCLASS = 1 << 29
EXCEPTION_SUBCLASS = 1 << 30
TYPE_SUBCLASS = 1 << 31
"""Flag of metaclasses: their instances are classes."""
CONTAINER_SUBCLASS = 1 << 25 | 1 << 26 | DICT_SUBCLASS
"""Flags of subclasses of list, tuple and dict."""


def getters_of(base: Any, names: str) -> list[Callable[[Any], Any]]:
    """What reads these attributes of instances, as the class itself has them."""
    return [base.__dict__[name].__get__ for name in names.split()]
