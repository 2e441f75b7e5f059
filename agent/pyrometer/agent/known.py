"""Texts of known types that hold no fields worth showing: dates, decimals, paths, enum members, functions, classes.

Each is put together from what the interpreter's own descriptors read: their `__str__` may be the service's, or ask a
time zone or an argument that is.
"""

from __future__ import annotations

import sys
from types import (
    AsyncGeneratorType,
    BuiltinFunctionType,
    CodeType,
    CoroutineType,
    FrameType,
    FunctionType,
    GeneratorType,
    MemberDescriptorType,
    MethodType,
    ModuleType,
    TracebackType,
)

from pyrometer.agent.arrays import (
    array_reader,
    index_reader,
    number_reader,
    series_reader,
    table_reader,
    tensor_reader,
    type_reader,
)
from pyrometer.agent.attributes import dict_value, qualified_name
from pyrometer.agent.codes import file_of, name_of
from pyrometer.agent.getters import IMMUTABLE, TYPE_SUBCLASS, flags_of, getters_of, globals_of
from pyrometer.agent.mappings import Unreadable, find

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Text = Callable[[Any], str | None]

MAX_TEXT = 4096
"""Characters of a text made here."""
_MAX_DECIMAL = 1024
"""Bytes of a Decimal that is written out."""


def text_reader(cls: type, bases: tuple[type, ...]) -> Text | None:
    """What makes the text of instances of `cls`; None: it is not of a known type."""
    exact = _EXACT.get(id(cls))
    if exact is not None:
        return exact
    if flags_of(cls) & TYPE_SUBCLASS:
        return qualified_name
    for base in bases:
        make = _BY_NAME.get(qualified_name(base))
        if make is not None and _is_genuine(base):
            return make(base)
    return _module_text if any(base is ModuleType for base in bases) else None


def _is_genuine(base: type) -> bool:
    """Whether a class is what its name says: a builtin one, or the one that its module has under that name."""
    if flags_of(base) & IMMUTABLE:
        return True
    module, _, name = qualified_name(base).rpartition(".")
    held = sys.modules.get(module)
    return type(held) is ModuleType and find(globals_of(held), name) is base


def _date_reader(base: Any) -> Text:
    year, month, day = getters_of(base, "year month day")
    return lambda obj: f"{year(obj):04}-{month(obj):02}-{day(obj):02}"


def _time_reader(base: Any) -> Text:
    hour, minute, second, microsecond, zone = getters_of(base, "hour minute second microsecond tzinfo")

    def text(obj: Any) -> str:
        fraction = f".{microsecond(obj):06}" if microsecond(obj) else ""
        return f"{hour(obj):02}:{minute(obj):02}:{second(obj):02}{fraction}{_zone_text(zone(obj))}"

    return text


def _datetime_reader(base: Any) -> Text:
    date, time = _date_reader(base.__mro__[1]), _time_reader(base)
    return lambda obj: f"{date(obj)}T{time(obj)}"


def _zone_text(zone: Any) -> str:
    """A time zone's offset where it is a fixed one; else its type, since asking it would run its code."""
    if zone is None:
        return ""
    name = qualified_name(type(zone))
    if name != "datetime.timezone" or not _is_genuine(type(zone)):
        return f" {name}"
    offset = type(zone).utcoffset(zone, None)
    days, seconds = getters_of(type(zone.min.utcoffset(None)), "days seconds")
    minutes = (days(offset) * 86_400 + seconds(offset)) // 60
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def _timedelta_reader(base: Any) -> Text:
    days, seconds, microseconds = getters_of(base, "days seconds microseconds")

    def text(obj: Any) -> str:
        minutes, second = divmod(seconds(obj), 60)
        fraction = f".{microseconds(obj):06}" if microseconds(obj) else ""
        return f"{days(obj)}d {minutes // 60:02}:{minutes % 60:02}:{second:02}{fraction}"

    return text


def _decimal_reader(base: Any) -> Text:
    return lambda obj: base.__str__(obj) if base.__sizeof__(obj) <= _MAX_DECIMAL else None


def _uuid_reader(base: Any) -> Text:
    (number,) = getters_of(base, "int")

    def text(obj: Any) -> str | None:
        try:
            value = number(obj)
        except AttributeError:
            return None
        if type(value) is not int or not 0 <= value < 1 << 128:
            return None
        digits = f"{value:032x}"
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"

    return text


def _path_reader(base: Any) -> Text:
    """Join the parts that a path was made of; normalising them is what its own code does when it is asked."""
    parts_of = getters_of(base, "_raw_paths" if "_raw_paths" in base.__dict__ else "_parts")[0]

    def text(obj: Any) -> str | None:
        try:
            parts = parts_of(obj)
        except AttributeError:
            return None
        if type(parts) is not list or not all(type(part) is str for part in parts):
            return None
        joined = ""
        for part in [part[:MAX_TEXT] for part in parts[:100]]:
            joined = part if part[:1] == "/" else f"{joined}{'/' if joined and joined[-1] != '/' else ''}{part}"
        return joined or "."

    return text


def member_text(obj: Any) -> str | None:
    """A member of an enumeration: `Color.RED = 1`."""
    names = member_names(obj)
    if not names:
        return None
    return f"{qualified_name(type(obj)).rpartition('.')[2]}.{names[0]}{_member_value(dict_value(obj, '_value_'))}"


def member_names(obj: Any) -> tuple[str, ...]:
    """What a member is called, and what it stands for if that is a text: as a key it may be the name of its value."""
    try:
        name, value = dict_value(obj, "_name_"), dict_value(obj, "_value_")
    except Unreadable:
        return ()
    names = (name[:MAX_TEXT] if type(name) is str else "?",)
    return (*names, value[:MAX_TEXT]) if type(value) is str else names


def _member_value(value: Any) -> str:
    """What a member stands for, where that is one of Python's own scalars."""
    kind = type(value)
    if kind is str or kind is bytes:
        return f" = {value[:MAX_TEXT]!r}"
    if kind is float or kind is bool or (kind is int and value.bit_length() < 256):
        return f" = {value!r}"
    return ""


def _complex_text(obj: complex) -> str:
    return complex.__repr__(obj)


def _function_text(obj: Any) -> str | None:
    name, module = _function_name(obj), _function_module(obj)
    shown = name[:MAX_TEXT] if type(name) is str else "?"
    return f"{module[:MAX_TEXT]}.{shown}" if type(module) is str else shown


def _builtin_text(obj: Any) -> str:
    return str(_builtin_name(obj))


def _method_text(obj: Any) -> str | None:
    function = _method_function(obj)
    return _function_text(function) if type(function) is FunctionType else None


def _code_text(obj: Any) -> str:
    return f"{name_of(obj)[:MAX_TEXT]}, {file_of(obj)[:MAX_TEXT]}:{obj.co_firstlineno}"


def _module_text(obj: Any) -> str | None:
    try:
        name = find(globals_of(obj) or {}, "__name__")
    except Unreadable:
        return None
    return name[:MAX_TEXT] if type(name) is str else None


def _no_text(_obj: Any) -> None:
    return None


def _qualname_reader(cls: Any) -> Text:
    (get,) = getters_of(cls, "__qualname__")

    def text(obj: Any) -> str | None:
        name = get(obj)
        return name[:MAX_TEXT] if type(name) is str else None

    return text


_function_name = FunctionType.__dict__["__qualname__"].__get__
_function_module = FunctionType.__dict__["__module__"].__get__
_builtin_name = BuiltinFunctionType.__dict__["__name__"].__get__
_method_function = MethodType.__dict__["__func__"].__get__

_EXACT: dict[int, Text] = {
    id(FunctionType): _function_text,
    id(BuiltinFunctionType): _builtin_text,
    id(MethodType): _method_text,
    id(CodeType): _code_text,
    id(FrameType): _no_text,
    id(TracebackType): _no_text,
    id(MemberDescriptorType): _no_text,
    id(property): _no_text,
    id(complex): _complex_text,
    id(type(...)): lambda _obj: "Ellipsis",
    id(type(NotImplemented)): lambda _obj: "NotImplemented",
    **{id(cls): _qualname_reader(cls) for cls in (GeneratorType, CoroutineType, AsyncGeneratorType)},
}
_BY_NAME: dict[str, Callable[[Any], Text]] = {
    "datetime.datetime": _datetime_reader,
    "datetime.date": _date_reader,
    "datetime.time": _time_reader,
    "datetime.timedelta": _timedelta_reader,
    "decimal.Decimal": _decimal_reader,
    "uuid.UUID": _uuid_reader,
    "pathlib.PurePath": _path_reader,
    "pathlib._local.PurePath": _path_reader,
    "enum.Enum": lambda _: member_text,
    "numpy.ndarray": array_reader,
    "numpy.dtype": type_reader,
    **dict.fromkeys(("numpy.integer", "numpy.float32", "numpy.float16", "numpy.bool", "numpy.bool_"), number_reader),
    **dict.fromkeys(("pandas.DataFrame", "pandas.core.frame.DataFrame"), table_reader),
    **dict.fromkeys(("pandas.Series", "pandas.core.series.Series"), series_reader),
    **dict.fromkeys(("pandas.Index", "pandas.core.indexes.base.Index"), index_reader),
    **dict.fromkeys(("pandas.api.typing.NaTType", "pandas._libs.tslibs.nattype.NaTType"), lambda _: lambda _obj: "NaT"),
    **dict.fromkeys(("pandas.api.typing.NAType", "pandas._libs.missing.NAType"), lambda _: lambda _obj: "<NA>"),
    "torch.Tensor": tensor_reader,
}
