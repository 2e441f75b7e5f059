"""Texts of arrays and tables: numpy's, pandas' and torch's, by type, shape and columns, without a line of their Python.

What numpy and torch keep in C is read by their own C getters, what pandas keeps in instance dictionaries and in fields
of its extension types from there. Nothing is converted, copied, computed, or waited for.
"""

from __future__ import annotations

import sys
from gc import get_referents
from types import BuiltinFunctionType, GetSetDescriptorType, MemberDescriptorType, ModuleType

from pyrometer.agent.attributes import class_value, dict_value, is_builtin, mro, qualified_name
from pyrometer.agent.getters import getters_of, globals_of, scope_of
from pyrometer.agent.mappings import ABSENT, Unreadable, held

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    Text = Callable[[Any], str | None]

_MAX_TEXT = 4096
_MAX_ITEMS = 10
"""Elements that are shown."""
_MAX_COLUMNS = 20
_MAX_LABEL = 100
"""Characters of a column's name."""
_MAX_BLOCKS = 1000
"""Arrays of one table that are looked through for the types of its first columns."""
_NUMBERS = "biufc"
"""Letters of numpy's types whose elements are numbers."""
_KINDS = {
    "b": "bool",
    "i": "int",
    "u": "uint",
    "f": "float",
    "c": "complex",
    "O": "object",
    "U": "str",
    "S": "bytes",
    "M": "datetime64",
    "m": "timedelta64",
    "V": "void",
    "T": "str",
}


def array_reader(base: Any) -> Text:
    """Type, shape and the first numbers of a numpy array; those of a file that is mapped would have to be read."""
    shape, dtype, owner, size = getters_of(base, "shape dtype base size")
    item = base.item

    def text(obj: Any) -> str | None:
        kind = dtype(obj)
        described = f"{type_text(kind)} {shape(obj)}"[:_MAX_TEXT]
        if _letter_of(kind) not in _NUMBERS or type(obj) is not base or not _is_in_memory(obj):
            return described
        shown = ", ".join([f"{item(obj, index)}" for index in range(min(size(obj), _MAX_ITEMS))])
        return f"{described} [{shown}{', …' if size(obj) > _MAX_ITEMS else ''}]"

    def _is_in_memory(obj: Any) -> bool:
        held = owner(obj)
        return held is None or (type(held) is base and owner(held) is None)

    return text


def number_reader(base: Any) -> Text:
    """A number of numpy's that is none of Python's."""
    item = base.item

    def text(obj: Any) -> str | None:
        value = item(obj)
        return f"{value}" if type(value) is int or type(value) is float or type(value) is bool else None

    return text


def type_reader(_base: Any) -> Text:
    """A type of numpy's elements."""
    return type_text


def table_reader(_base: Any) -> Text:
    """Shape of a pandas table, and the first columns, each with its type."""

    def text(obj: Any) -> str | None:
        manager = _stored(obj, "_mgr")
        axes, blocks = _stored(manager, "axes"), _stored(manager, "blocks")
        if type(axes) is not list or len(axes) != 2 or type(blocks) is not tuple:
            return None
        types: dict[int, str] = {}
        for block in blocks[:_MAX_BLOCKS]:
            values = _stored(block, "values")
            types.update(dict.fromkeys(_places(_stored(block, "_mgr_locs")), element_type(values)))
        columns = length_of(axes[0])
        named = [f"{label} {types.get(place, '?')}" for place, label in enumerate(_labels(axes[0]))]
        more = [f"… {columns - len(named)} more"] if columns is not None and columns > len(named) else []
        return f"({_number(length_of(axes[1]))}, {_number(columns)}) {', '.join([*named, *more])}".rstrip()[:_MAX_TEXT]

    return text


def series_reader(_base: Any) -> Text:
    """Name, type and length of a column of pandas'; its values are the table's, which shows none either."""

    def text(obj: Any) -> str | None:
        manager = _stored(obj, "_mgr")
        axes, blocks = _stored(manager, "axes"), _stored(manager, "blocks")
        if type(axes) is not list or len(axes) != 1 or type(blocks) is not tuple or len(blocks) != 1:
            return None
        return _column(_stored(obj, "_name"), element_type(_stored(blocks[0], "values")), length_of(axes[0]))

    return text


def index_reader(_base: Any) -> Text:
    """Name, type and length of what labels the rows or columns of a table."""

    def text(obj: Any) -> str | None:
        kind = "int64" if type(_stored(obj, "_range")) is range else element_type(_stored(obj, "_data"))
        levels = _stored(obj, "_levels")
        if issubclass(type(levels), list):
            kind = f"{list.__len__(levels)} levels"
        return _column(_stored(obj, "_name"), kind, length_of(obj))

    return text


def tensor_reader(base: Any) -> Text:
    """Type, shape and device of a tensor of torch's. Its elements may be on a device that would be waited for.

    Its getters run Python for subclasses and wherever a mode is entered that sees all operations.
    """

    def text(obj: Any) -> str | None:
        cls = type(obj)
        if (cls is not base and qualified_name(cls) != "torch.nn.parameter.Parameter") or _has_modes():
            return None
        kind, shape, device = (_read(obj, name) for name in ("dtype", "shape", "device"))
        if not issubclass(type(shape), tuple):
            return None
        sizes = ", ".join([_number(size) for size in tuple.__iter__(shape)])
        return f"{type_text(kind)} ({sizes}{',' if tuple.__len__(shape) == 1 else ''}) {_plain(device)}".rstrip()

    return text


def element_type(values: object) -> str:
    """The type of the elements of an array of numpy's or pandas'; of others, the array's."""
    kind = _read(values, "_dtype") if _read(values, "_ndarray") is not ABSENT else _read(values, "dtype")
    return qualified_name(type(values)).rpartition(".")[2] if kind is ABSENT else type_text(kind)


def type_text(kind: object) -> str:
    """A type of elements, as numpy, pandas or torch have it."""
    letter = _letter_of(kind)
    if letter:
        width = f"{8 * _read(kind, 'itemsize')}" if letter in "iufc" else ""
        return f"{_KINDS.get(letter, letter)}{width}"
    if qualified_name(type(kind)) == "torch.dtype":
        return _plain(kind).removeprefix("torch.")
    name = class_value(type(kind), "name")
    return name[:_MAX_LABEL] if type(name) is str else qualified_name(type(kind)).rpartition(".")[2]


def length_of(labels: object) -> int | None:
    """How many labels an index of pandas' has; None where that would have to be asked."""
    numbers = _stored(labels, "_range")
    if type(numbers) is range:
        return range.__len__(numbers)
    codes, data = _stored(labels, "_codes"), _stored(labels, "_data")
    if issubclass(type(codes), list) and list.__len__(codes):
        data = list.__getitem__(codes, 0)
    shape = _read(_array_in(data), "shape")
    return shape[0] if type(shape) is tuple and len(shape) == 1 and type(shape[0]) is int else None


def _labels(labels: object) -> list[str]:
    """The first labels; `?` where one is neither text nor a number."""
    count = min(length_of(labels) or 0, _MAX_COLUMNS)
    numbers, data = _stored(labels, "_range"), _stored(labels, "_data")
    if type(numbers) is range:
        return [f"{range.__getitem__(numbers, index)}" for index in range(count)]
    array = _array_in(data)
    if not _is_array(array):
        return ["?"] * count
    item: Any = class_value(type(array), "item")
    return [_label(item(array, index)) for index in range(count)]


def _array_in(data: object) -> object:
    """The array of numpy's that an extension array of pandas' keeps; of others, they themselves."""
    backing: object = _read(data, "_ndarray")
    return data if backing is ABSENT else backing


def _label(label: object) -> str:
    if type(label) is str:
        return label[:_MAX_LABEL]
    return f"{label}" if type(label) is int and label.bit_length() < 64 else "?"


def _places(placement: object) -> Iterator[int]:
    """Which of the first columns an array of a table holds: a slice of them, or an array of their numbers."""
    for part in get_referents(placement):
        if type(part) is slice:
            start, stop, step = part.start, part.stop, part.step
            if all(type(bound) is int or bound is None for bound in (start, stop, step)) and step != 0:
                yield from range(*slice(start, stop, step).indices(_MAX_COLUMNS))
            return
        if _is_array(part):
            item: Any = class_value(type(part), "item")
            yield from [item(part, index) for index in range(min(_read(part, "size"), _MAX_COLUMNS))]
            return


def _column(name: object, kind: str, length: int | None) -> str:
    """One column: its name if it has one, its type, its shape."""
    return f"{'' if name is None or name is ABSENT else f'{_label(name)} '}{kind} ({_number(length)},)"


def _stored(obj: object, name: str) -> Any:
    """What an instance's dictionary, or a C field of an extension type of pandas', holds under a name; else ABSENT."""
    try:
        value = dict_value(obj, name)
    except Unreadable:
        return ABSENT
    return _read(obj, name) if value is ABSENT else value


def _read(obj: object, name: str) -> Any:
    """What a C getter gives that numpy, pandas or torch have under a name; ABSENT where theirs is none of C."""
    try:
        getter: Any = class_value(type(obj), name)
        kind = type(getter)
        if (kind is GetSetDescriptorType or kind is MemberDescriptorType) and _is_theirs(getter.__objclass__):
            return kind.__get__(getter, obj, type(obj))
        return ABSENT
    except (Unreadable, AttributeError, TypeError):
        return ABSENT


def _is_theirs(owner: type) -> bool:
    """Whether a type of an extension module is one whose getters are known to read memory."""
    return qualified_name(owner).startswith(("numpy.", "pandas._libs.", "torch._C."))


def _is_array(obj: object) -> bool:
    """Whether an object is exactly numpy's array."""
    return is_builtin(type(obj)) and qualified_name(type(obj)) == "numpy.ndarray"


def _letter_of(kind: object) -> str:
    """The letter by which numpy tells its types; empty for others."""
    order = mro(type(kind))
    if len(order) < 2 or qualified_name(order[-2]) != "numpy.dtype" or not is_builtin(order[-2]):
        return ""
    letter = _read(kind, "kind")
    return letter if type(letter) is str else ""


def _plain(obj: object) -> str:
    """A type or device of torch's as it writes itself, in C; empty for others."""
    if not is_builtin(type(obj)) or qualified_name(type(obj)) not in ("torch.dtype", "torch.device"):
        return ""
    written: str = scope_of(type(obj))["__repr__"](obj)
    return written


def _has_modes() -> bool:
    """Whether something in this thread sees all operations on tensors."""
    torch_c = sys.modules.get("torch._C")
    count = held(globals_of(torch_c), "_len_torch_function_stack") if type(torch_c) is ModuleType else None
    return type(count) is not BuiltinFunctionType or count() != 0


def _number(value: object) -> str:
    return f"{value}" if type(value) is int else "?"
