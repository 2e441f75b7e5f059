"""Local variables of a frame, read without changing what the service sees and without keeping the frame.

From 3.13 on `f_locals` of a function is a view, made to be read once. Before, it *is* the dictionary that the service
got from `locals()`: asking for it rewrites that one and keeps every local alive until the frame ends. So on 3.11 and
3.12 the variables are read where the interpreter has them. (3.12's `PyFrame_GetVar` takes three times as long.)
"""

from __future__ import annotations

import sys
from _weakref import ref
from types import CellType

from pyrometer.agent.codes import is_module_body

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import CodeType, FrameType
    from typing import Any

    _Reader = Callable[[FrameType, tuple[str, ...]], tuple[tuple[str, ...], list[Any]]]

_names: dict[int, tuple[ref[CodeType], tuple[str, ...]]] = {}
"""By id, with a weak reference that tells a reused one: hashing a code object hashes all of it."""
_MAX_NAMED = 4096

_OPTIMIZED = 1
"""Flag of code whose locals are not in a dictionary: functions, unlike modules and class bodies."""


_SUSPENDABLE = 0x20 | 0x80 | 0x200
"""Flags of the code of generators, coroutines and asynchronous generators."""
_FRAMES_DANGLE = (3, 13) <= sys.version_info < (3, 13, 6)
"""Whether a generator's frame may not be read once the generator is gone (python/cpython#125723)."""


class Unset:
    """The type of UNSET."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<unset>"


UNSET = Unset()
"""Stands for a variable that has no value at the moment."""


def local_names(code: CodeType) -> tuple[str, ...]:
    """Names of a function's variables in order of appearance: parameters, locals, cells, what it closes over.

    They are remembered: the interpreter makes each of these tuples anew whenever it is asked.
    """
    known = _names.get(id(code))
    if known is not None and known[0]() is code:
        return known[1]
    if len(_names) >= _MAX_NAMED:
        _names.clear()
    found = _find_names(code)
    _names[id(code)] = (ref(code), found)
    return found


def _find_names(code: CodeType) -> tuple[str, ...]:
    names = code.co_varnames
    if cells := code.co_cellvars:
        locals_too = frozenset(names)
        names += tuple([name for name in cells if name not in locals_too])
    return names + code.co_freevars


def has_variable(code: CodeType, name: str) -> bool:
    """Whether a function has a variable of this name, with a value or without; bodies of modules and classes: False."""
    is_function = bool(code.co_flags & _OPTIMIZED)
    return is_function and (name in code.co_varnames or name in code.co_freevars or name in code.co_cellvars)


def read_locals(frame: FrameType) -> list[tuple[str, object]]:
    """Names and values of a frame's variables in order of appearance, UNSET for those without a value.

    The frame must not run meanwhile: it is one of the calling thread, or suspended, or over. (Of another thread's, that
    goes on as soon as it gets the GIL, 3.11 and 3.12 would read memory that is no longer the frame's.)

    Of a module or a class body: what its namespace holds, but for the interpreter's own names; nothing where that is
    not a plain dictionary. `prepare` must have run.
    """
    names, values = read_values(frame)
    return [*zip(names, values, strict=True)]


def read_values(frame: FrameType) -> tuple[Sequence[str], list[Any]]:
    """What `read_locals` gives, names and values apart: the names are those of all frames of this code."""
    code = frame.f_code
    if code.co_flags & _OPTIMIZED:
        names, values = _read(frame, local_names(code))
        # The parameter of a comprehension, `.0`, is the interpreter's own and always the first.
        return (names[1:], values[1:]) if names and names[0][0] == "." else (names, values)
    shown = [
        (name, value)
        for name, value in _namespace_items(frame)
        if type(name) is str and not (name[:2] == "__" == name[-2:])
    ]
    return [name for name, _ in shown], [value for _, value in shown]


def read_foreign(frame: FrameType, *, kept: bool = False) -> list[tuple[str, object]] | None:
    """What `read_locals` gives, of a frame that another thread may be running; None where that can't be had safely.

    Each variable is read in one step of the interpreter's, from where the frame has it then. They need not all be of
    the same moment. `prepare` must have run.

    Args:
        kept: whether the caller holds the generator or coroutine whose frame it is, if it is one's.
    """
    code = frame.f_code
    if _FRAMES_DANGLE and code.co_flags & _SUSPENDABLE and not kept:
        return None
    if not code.co_flags & _OPTIMIZED or sys.version_info >= (3, 13):  # there the view takes all of them in one step
        return read_locals(frame)
    return None if _native is None else _native.read_foreign(frame, local_names(code))


def read_local(frame: FrameType, name: str) -> object:
    """The value of one variable, or UNSET where it has none or there is no such variable. `prepare` must have run."""
    code = frame.f_code
    if not code.co_flags & _OPTIMIZED:
        return next((value for key, value in _namespace_items(frame) if type(key) is str and key == name), UNSET)
    if name in code.co_varnames or name in code.co_freevars or name in code.co_cellvars:
        return _read_one(frame, name)
    return UNSET


def local_reader(code: CodeType, name: str) -> Callable[[FrameType], object]:
    """What `read_local` does, made ready for one variable of one function: for conditions on hot lines."""
    if _native is not None and code.co_flags & _OPTIMIZED and name in local_names(code):
        return _native.reader_of(local_names(code).index(name))
    return lambda frame: read_local(frame, name)


def native_layout() -> tuple[int, int] | None:
    """Where this interpreter has the variables; None where that is not used, or not known: `prepare` must have run.

    Offset of the pointer to its own frame in a frame object, and offset of the first variable there; bytes.
    """
    return None if _native is None else (_native.F_FRAME, _native.offset)


def prepare() -> str:
    """Make ready what reading takes on this version. Call it when a probe is armed, never in the service's thread.

    Returns:
        Empty, or what is not as it should be: values are read all the same, by `f_locals` with its side effects.
    """
    global _native, _read, _read_one
    if sys.version_info >= (3, 13) or _native is not None:
        return ""
    try:
        _native = _NativeReader()
    except Exception as error:
        return f"locals are read by f_locals, which rewrites the service's locals(): {type(error).__name__}: {error}"
    _read, _read_one = _native.read, _native.read_one
    return ""


def _namespace_items(frame: FrameType) -> list[tuple[object, object]]:
    """What the namespace of a module or a class body holds."""
    code = frame.f_code
    if sys.version_info < (3, 13) and (code.co_cellvars or code.co_varnames):
        # Asking for the namespace would write cells into it, through the class's own `__setitem__` if it has one.
        return [*dict.items(frame.f_globals)] if is_module_body(code) else []
    mapping: Any = frame.f_locals
    if type(mapping) is not dict:
        mapping = frame.f_globals if is_module_body(code) else None
    return [*dict.items(mapping)] if type(mapping) is dict else []


def _read_by_f_locals(frame: FrameType, names: tuple[str, ...]) -> tuple[tuple[str, ...], list[Any]]:
    """Ask for all at once: each look-up in the view goes through the names again."""
    view = frame.f_locals
    present, values = [*view.keys()], [*view.values()]
    if present != [*names]:  # not all are set, or a debugger has added some
        found = dict(zip(present, values, strict=True))
        values = [found.get(name, UNSET) for name in names]
    return names, values


def _without_dotted(found: list[tuple[str, object]]) -> list[tuple[str, object]]:
    """Leave out the parameter of a comprehension."""
    return found[1:] if found and found[0][0][0] == "." else found


def _read_one_by_f_locals(frame: FrameType, name: str) -> object:
    try:
        return frame.f_locals[name]
    except KeyError:
        return UNSET


_native: _NativeReader | None = None
_read: _Reader = _read_by_f_locals
_read_one: Callable[[FrameType, str], object] = _read_one_by_f_locals


class _NativeReader:
    """Reads the variables of a frame of 3.11 or 3.12 where the interpreter keeps them.

    A frame object points to the interpreter's frame (`f_frame`), at whose end the variables stand, one pointer each, in
    the order of `local_names`. Where exactly is found out on a frame of our own; an interpreter that is laid out in
    another way is told by that, and left alone.
    """

    F_FRAME = 24
    """Offset of `f_frame` in a frame object, after the reference count, the type and `f_back`."""
    _OFFSETS = range(48, 120, 8)

    def __init__(self) -> None:
        """Find the variables.

        Raises:
            RuntimeError: this interpreter's frames are laid out in another way.
            ImportError: there is no ctypes.
        """
        import ctypes

        if sys.implementation.name != "cpython" or object.__basicsize__ != 16 or ctypes.sizeof(ctypes.c_void_p) != 8:
            raise RuntimeError("an interpreter of another build")
        self._pointer = ctypes.c_void_p
        self._object = ctypes.py_object
        self._objects = ctypes.POINTER(ctypes.py_object)
        self._arrays: dict[int, tuple[Any, Any]] = {}
        self.offset = _calibrate(self, object())

    def find(self, frame: FrameType, first: object, second: object) -> int:
        """Where in the interpreter's frame the two first variables, whose values are given, stand."""
        address = self._pointer.from_address(id(frame) + self.F_FRAME).value or 0
        for offset in self._OFFSETS:
            found = (self._pointer * 2).from_address(address + offset)
            if (found[0], found[1]) == (id(first), id(second)):
                return offset
        raise RuntimeError("the variables are not where they should be")

    def read(self, frame: FrameType, names: tuple[str, ...]) -> tuple[tuple[str, ...], list[Any]]:
        """Names and values of the frame's variables."""
        objects, pointers = self._arrays.get(len(names)) or self._arrays_of(len(names))
        address = (self._pointer.from_address(id(frame) + self.F_FRAME).value or 0) + self.offset
        found = objects(address)
        try:
            values = found[:]
        except ValueError:  # one of them has no value
            values = [found[i] if at else UNSET for i, at in enumerate(pointers(address)[:])]
        code = frame.f_code
        if code.co_freevars or code.co_cellvars:
            values = [value if type(value) is not CellType else _content(value) for value in values]
        return names, values

    def read_foreign(self, frame: FrameType, names: tuple[str, ...]) -> list[tuple[str, object]]:
        """Names and values of the variables of a frame that another thread may run.

        Subscripting the pointer follows `f_frame` as it is then, reads the variable and counts the reference, in one
        step, between which and the next the other thread may go on: the interpreter moves a frame that ends into its
        frame object, which we hold.
        """
        variables = self._objects.from_address(id(frame) + self.F_FRAME)
        first = self.offset // 8
        found = []
        for index, name in enumerate(names, first):
            try:
                found.append((name, _content(variables[index])))
            except ValueError:
                found.append((name, UNSET))
        return _without_dotted(found)

    def read_one(self, frame: FrameType, name: str) -> object:
        """The value of one variable of the frame."""
        return self.reader_of(local_names(frame.f_code).index(name))(frame)

    def reader_of(self, index: int) -> Callable[[FrameType], object]:
        """What reads the variable that stands at an index."""
        pointer, at = self._pointer.from_address, self._object.from_address
        f_frame, offset = self.F_FRAME, self.offset + 8 * index

        def read(frame: FrameType) -> object:
            try:
                value = at(pointer(id(frame) + f_frame).value + offset).value  # type: ignore[operator]
            except ValueError:
                return UNSET
            return value if type(value) is not CellType else _content(value)

        return read

    def _arrays_of(self, size: int) -> tuple[Any, Any]:
        """What makes arrays of so many objects, and of as many pointers, of what stands at an address."""
        made = self._arrays[size] = (self._object * size).from_address, (self._pointer * size).from_address
        return made


def _calibrate(reader: _NativeReader, mark: object) -> int:
    """Find the offset of the variables on the frame of this very call, whose first two are its parameters."""
    return reader.find(sys._getframe(), reader, mark)


def _content(value: object) -> object:
    """What a variable holds: cells are looked into. One that is a cell by itself would be shown by its content."""
    if type(value) is not CellType:
        return value
    try:
        return value.cell_contents
    except ValueError:
        return UNSET
