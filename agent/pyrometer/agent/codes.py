"""What code objects say of themselves, as exact texts: a tool may have made them of texts of a class of its own."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType

_WHOLE = slice(None)
_OPTIMIZED = 1
"""Flag of the code of functions, unlike that of classes and modules."""


def file_of(code: CodeType) -> str:
    """`co_filename`."""
    return _exact(code.co_filename)


def name_of(code: CodeType) -> str:
    """`co_qualname`."""
    return _exact(code.co_qualname)


def called(code: CodeType) -> str:
    """`co_name`."""
    return _exact(code.co_name)


def is_module_body(code: CodeType) -> bool:
    """Whether it is the code of a module."""
    return _exact(code.co_name) == "<module>"


def body_run_once(code: CodeType) -> str:
    """What the code is the body of, where that runs when its module is imported and not again; "": a function."""
    if code.co_flags & _OPTIMIZED or "<locals>" in name_of(code):
        return ""
    return "a module's body" if is_module_body(code) else f"the body of class {name_of(code)}"


def _exact(text: str) -> str:
    return text if type(text) is str else str.__getitem__(text, _WHOLE)
