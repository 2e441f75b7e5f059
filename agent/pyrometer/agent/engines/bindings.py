"""How a line's callback gets at the names that its condition reads, as quickly as this version of Python allows.

Reading costs more than all the rest of a condition. On 3.13 and later `f_locals` is a view that reads one variable at
a time. On 3.12 it would rewrite a dict that the service may hold; there the variables are read where they lie.
"""

from __future__ import annotations

import sys

from pyrometer.agent.engines.callbacks import Source, frame_binding, read_global, read_name
from pyrometer.agent.frames import UNSET, local_names, local_reader, native_layout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import CodeType
    from typing import Any

_OPTIMIZED = 1
"""Flag of a code object whose variables are numbered: functions, but not bodies of modules and classes."""


def fast_binding(names: Iterable[str], code: CodeType, frame: str, mark: str) -> Source:
    """Statements that bind `v_NAME` for each name in a frame of this code, or leave it unbound where it has no value.

    They bind the frame as `frame` and the mark, if there is any name. `frame` is an expression for it, and
    `frames.prepare` must have run.
    """
    is_function = code.co_flags & _OPTIMIZED
    own = local_names(code) if is_function else ()
    local = [name for name in names if name in own]
    others = [name for name in names if name not in own]
    other = frame_binding(others, frame, mark, read_global if is_function else read_name)
    if not local:
        return other
    found = _by_view(local, mark) if sys.version_info >= (3, 13) else _by_memory(local, code, mark)
    lines = [f"frame{mark} = {frame}", *found.lines, *other.lines[1:]]
    return Source(lines, {**found.namespace, **other.namespace})


def _by_memory(names: Iterable[str], code: CodeType, mark: str) -> Source:
    layout = native_layout()
    plain = [name for name in names if layout is not None and name in code.co_varnames and name not in code.co_cellvars]
    slow = _by_readers([name for name in names if name not in plain], code, mark)
    if layout is None or not plain:
        return slow
    quick = _by_pointers(plain, code, layout, mark)
    return Source([*quick.lines, *slow.lines], {**quick.namespace, **slow.namespace})


def _by_view(names: Iterable[str], mark: str) -> Source:
    lines = [f"locals{mark} = frame{mark}.f_locals"]
    for name in names:
        lines += [f"try: v_{name} = locals{mark}[{name!r}]", "except KeyError: pass"]
    return Source(lines, {})


def _by_readers(names: Iterable[str], code: CodeType, mark: str) -> Source:
    """Read the variables one by one: cells, and where nothing quicker is known."""
    lines: list[str] = []
    namespace: dict[str, Any] = {"unset": UNSET}
    for name in names:
        lines += [f"v_{name} = read{mark}_{name}(frame{mark})", f"if v_{name} is unset: del v_{name}"]
        namespace[f"read{mark}_{name}"] = local_reader(code, name)
    return Source(lines, namespace)


def _by_pointers(names: Iterable[str], code: CodeType, layout: tuple[int, int], mark: str) -> Source:
    """Read the variables where they lie, through two pointers that are aimed anew each time.

    That is three times as quick as making an object for each address. It needs that no other thread runs between
    aiming and reading: there is no call between, and without one 3.12 does not switch threads.
    """
    pointers = _Pointers.shared()
    lines = [f"pointers_frame.value = id(frame{mark})", f"pointers_locals.value = pointers_words[{layout[0] // 8}]"]
    first = layout[1] // 8
    for name in names:
        lines += [
            f"try: v_{name} = pointers_objects[{first + code.co_varnames.index(name)}]",
            "except ValueError: pass",
        ]
    namespace = {
        "pointers_frame": pointers.frame,
        "pointers_words": pointers.words,
        "pointers_locals": pointers.locals,
        "pointers_objects": pointers.objects,
    }
    return Source(lines, namespace)


class _Pointers:
    """Two pointers, to machine words and to objects, and the numbers that are their addresses."""

    _made: _Pointers | None = None

    def __init__(self) -> None:
        import ctypes

        self.words: Any = ctypes.POINTER(ctypes.c_size_t)(ctypes.c_size_t(0))
        self.frame: Any = ctypes.c_size_t.from_buffer(self.words)
        self.objects: Any = ctypes.POINTER(ctypes.py_object)(ctypes.py_object(None))
        self.locals: Any = ctypes.c_size_t.from_buffer(self.objects)

    @classmethod
    def shared(cls) -> _Pointers:
        """The ones of this process."""
        if cls._made is None:
            cls._made = cls()
        return cls._made
