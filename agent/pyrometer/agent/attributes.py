"""Attributes, read from where they are stored, so that none of the service's code runs.

Everything goes through descriptors that the interpreter itself made: classes through those of `type`, slots through
their member descriptors, instances through `object.__getattribute__` and only where no class has anything under that
name that would be called. What would have to be computed (a property, `__getattr__`) is refused by its name.
"""

from __future__ import annotations

import builtins
import gc
import sys
from _collections import _tuplegetter  # type: ignore[import-not-found]
from _weakref import ref
from collections import OrderedDict, defaultdict, deque
from types import FunctionType, GetSetDescriptorType, MemberDescriptorType, ModuleType, SimpleNamespace

from pyrometer.agent.getters import HEAP_TYPE, IMMUTABLE, MANAGED_DICT, flags_of, globals_of, scope_of
from pyrometer.agent.mappings import ABSENT, Missing, Unreadable, find, text_keyed
from pyrometer.link.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

MAX_NAME = 200
"""Characters of a module's or a class's name that are shown."""


def read_attribute(obj: object, name: str) -> object:
    """What `obj.name` would give, where that is stored and not computed. Leaves the object as it is.

    Raises:
        Missing: there is no such attribute.
        Unreadable: it would have to be computed, by a property, a method, `__getattr__` or a proxy.
    """
    if name[:2] == "__" == name[-2:]:
        raise Unreadable(f"{name} is of the interpreter's own; such names are not read")
    cls = type(obj)
    held: object = ABSENT
    owner = cls
    reader = None
    for base in _mro_of(cls):
        if base is object:
            break
        scope = namespace(base)
        if held is ABSENT and name in scope:
            held, owner = scope[name], base
        if reader is None and "__getattribute__" in scope:
            reader = base
    if reader is not None and not _generic(reader):
        return _read_special(obj, name, reader)
    if held is ABSENT:
        value = _stored(obj, cls, name)
        return value if value is not ABSENT else _refuse_absent(cls, name)
    return _read_declared(obj, name, held, owner)


def attribute_reader(name: str) -> Callable[[object], object]:
    """What `read_attribute` does, made ready for one name: it remembers how the last class was read.

    That holds as long as the class has the same bases and neither it nor they got something of that name, which is
    looked at each time. The class is kept alive until another one comes or the reader is dropped.
    """
    plan = _Plan(None, None, ())

    def read(obj: object) -> object:
        nonlocal plan
        cls = type(obj)
        known, order, scopes = plan
        if cls is not known:
            plan = _plan(cls, name)
        elif _mro_of(cls) is order:
            for scope in scopes:
                if name in scope or "__getattribute__" in scope:
                    return read_attribute(obj, name)
            value = _own_value(obj, name)
            if value is not ABSENT:
                return value
        return read_attribute(obj, name)

    return read


def instance_dict(obj: object) -> dict[Any, Any] | None:
    """The dictionary that holds an instance's attributes, or None where there is none that can be had safely.

    Only the getter that `type` gives to classes written in Python is called: a type of an extension module may have
    one that forwards to another object. Where the interpreter had not yet made the dictionary, this makes it.
    """
    cls = type(obj)
    getter: Any = None
    for base in _mro_of(cls):
        if base is object:
            break
        if _dict_offset_of(base) and not flags_of(base) & HEAP_TYPE and not _own_dict(base):
            return None
        if getter is None:
            getter = _dict_getter(base)
    if getter is None:
        return None
    mapping = type(getter).__get__(getter, obj, cls)
    return mapping if issubclass(type(mapping), dict) else None


def dict_value(obj: object, name: str) -> object:
    """What an instance's dictionary holds under a name, or ABSENT.

    Raises:
        Unreadable: its keys are not all text, and there are too many to look through.
    """
    mapping = instance_dict(obj)  # of a subclass of dict, perhaps, whose truth would be asked of the service's code
    return ABSENT if mapping is None else find(mapping, name)


def slot_items(obj: object) -> list[tuple[str, object]]:
    """Names and values of an instance's `__slots__`, those of its own class first; ABSENT where one is not set."""
    cls = type(obj)
    found: dict[str, object] = {}
    for base in _mro_of(cls):
        if not flags_of(base) & HEAP_TYPE:
            continue
        for name, held in list(scope_of(base).items()):
            if type(held) is MemberDescriptorType and type(name) is str and name not in found and name[:2] != "__":
                found[name] = _member(held, obj, cls)
    return list(found.items())


def mro(cls: type) -> tuple[type, ...]:
    """The class and its bases in the order of look-up, whatever the metaclass says."""
    order: tuple[type, ...] = _mro_of(cls)
    return order


def class_value(cls: type, name: str) -> object:
    """What the class, or the first of its bases that has it, holds under a name, unbound; else ABSENT.

    Raises:
        Unreadable: a class has a namespace with keys that are not text.
    """
    for base in _mro_of(cls):
        scope = scope_of(base) if base is object else namespace(base)
        if name in scope:
            return scope[name]
    return ABSENT


def qualified_name(cls: type) -> str:
    """Module and qualified name of a class, each bounded; builtins without the module. Works for any metaclass."""
    try:
        if flags_of(cls) & HEAP_TYPE:
            namespace(cls)
        module = _text(_module_of(cls))
    except (Unreadable, AttributeError):
        module = "?"
    name = _text(_qualname_of(cls))
    return name if module == "builtins" else f"{module}.{name}"


def namespace(cls: type) -> Mapping[str, Any]:
    """A class's own namespace, whose keys are text: `type()` takes any keys, and a look-up would compare with them.

    Raises:
        Unreadable: some of the keys are not text.
    """
    scope: Mapping[str, Any] = scope_of(cls)
    known = _sound.get(id(cls))
    if known is None or known() is not cls:
        if not text_keyed(gc.get_referents(scope)[0]):
            raise Unreadable("a class has a namespace with keys that are not text")
        if len(_sound) >= _MAX_SOUND:
            _sound.clear()
        _sound[id(cls)] = ref(cls)
    return scope


def is_builtin(cls: type) -> bool:
    """Whether a class is one of the interpreter's or of an extension module: nobody can change it."""
    return bool(flags_of(cls) & IMMUTABLE)


def is_data_descriptor(kind: type) -> bool:
    """Whether what is held by a class, being of this type, comes before the instance's own values."""
    return class_value(kind, "__set__") is not ABSENT or class_value(kind, "__delete__") is not ABSENT


class _Plan(NamedTuple):
    """That instances of a class hold an attribute themselves: what must still be so for it to be true."""

    cls: type | None
    order: tuple[type, ...] | None
    """The class and its bases; None: its instances are read step by step."""
    scopes: tuple[Mapping[str, Any], ...]
    """Namespaces that have nothing of that name."""


def _plan(cls: type, name: str) -> _Plan:
    order = mro(cls)
    if name[:2] != "__" and _is_plain(cls) and order[-1] is object:
        try:
            scopes = tuple([namespace(base) for base in order[:-1]])
        except Unreadable:
            return _Plan(cls, None, ())
        if not any([name in scope or "__getattribute__" in scope for scope in scopes]):
            return _Plan(cls, order, scopes)
    return _Plan(cls, None, ())


def _is_plain(cls: type) -> bool:
    """Whether instances have nothing but what the interpreter keeps for them: neither slots nor fields of a C type."""
    return bool(flags_of(cls) & MANAGED_DICT) and _size_of(cls) <= _PLAIN_SIZE


def _generic(base: type) -> bool:
    """Whether the `__getattribute__` that this class has is the one of `object`."""
    if id(base) in _PLAIN or namespace(base)["__getattribute__"] is object.__dict__["__getattribute__"]:
        return True
    return is_builtin(base) and qualified_name(base) in _KNOWN


def _read_special(obj: Any, name: str, reader: type) -> object:
    """Read what has its own way of reading: modules, classes; refuse the rest."""
    if reader is ModuleType:
        value = find(globals_of(obj), name)
        return value if value is not ABSENT else _refuse_absent_module(obj, name)
    if reader is type:
        return _read_class(obj, name)
    raise Unreadable(f"{qualified_name(reader)} has a __getattribute__ of its own, which would run")


def _read_class(cls: type, name: str) -> object:
    held = class_value(type(cls), name)
    if held is not ABSENT and is_data_descriptor(type(held)):
        raise Unreadable(f"{name} is computed by the metaclass {qualified_name(type(cls))}")
    held = class_value(cls, name)
    if held is ABSENT:
        return _refuse_absent(type(cls), name)
    if class_value(type(held), "__get__") is not ABSENT:
        raise Unreadable(f"{name} of the class {qualified_name(cls)} is a {qualified_name(type(held))}, not a value")
    return held


def _read_declared(obj: object, name: str, held: Any, owner: type) -> object:
    """Read an attribute that a class has something for."""
    kind = type(held)
    if kind is MemberDescriptorType or kind is _tuplegetter:
        value = _member(held, obj, type(obj)) if kind is MemberDescriptorType else _field(held, obj, type(obj))
        if value is ABSENT:
            raise Missing(f"the slot {name} of {qualified_name(type(obj))} is not set")
        return value
    if kind is GetSetDescriptorType and _harmless(held):
        return GetSetDescriptorType.__get__(held, obj, type(obj))
    if class_value(kind, "__get__") is ABSENT:
        value = _stored(obj, type(obj), name)
        return held if value is ABSENT else value
    if not is_data_descriptor(kind) or qualified_name(kind) in _TRANSPARENT:
        value = dict_value(obj, name)
        if value is not ABSENT:
            return value
    raise Unreadable(_why_computed(obj, name, kind, owner))


def _why_computed(obj: object, name: str, kind: type, owner: type) -> str:
    place = qualified_name(owner)
    if kind is FunctionType or kind is classmethod or kind is staticmethod:
        return f"{name} is a method of {place}; calling it would run the service's code"
    what = "a property" if kind is property else f"a {qualified_name(kind)}"
    hint = f"; _{name} is stored and can be read" if _is_stored(obj, f"_{name}") else ""
    return f"{name} is {what} of {place}; reading it would run the service's code{hint}"


def _is_stored(obj: object, name: str) -> bool:
    try:
        return find(dict(slot_items(obj)), name) is not ABSENT or dict_value(obj, name) is not ABSENT
    except Unreadable:
        return False


def _refuse_absent(cls: type, name: str) -> object:
    if class_value(cls, "__getattr__") is not ABSENT:
        raise Unreadable(f"{name} is not stored in the {qualified_name(cls)}; its __getattr__ would run")
    raise Missing(f"{qualified_name(cls)} has no attribute {name}")


def _refuse_absent_module(module: ModuleType, name: str) -> object:
    if find(globals_of(module), "__getattr__") is not ABSENT:
        raise Unreadable(f"{name} is not stored in the module; its __getattr__ would run")
    raise Missing(f"the module has no attribute {name}")


def _stored(obj: object, cls: type, name: str) -> object:
    """The instance's own value, or ABSENT. No class holds anything under that name that would be called."""
    if not _is_plain(cls):
        return dict_value(obj, name)
    return _own_value(obj, name)


def _own_value(obj: object, name: str) -> object:
    """The value that a plain object itself has, or ABSENT.

    It keeps its values without a dictionary. Asking for `__dict__` makes one that stays as long as the object: a
    condition on a hot line would grow the service. Only where it has a dictionary already can that have keys that are
    not text, and then it refers to nothing but that and its class.
    """
    referents = gc.get_referents(obj)
    if len(referents) <= 2:
        for value in referents:
            if issubclass(type(value), dict) and not text_keyed(value):
                return dict_value(obj, name)
    try:
        return object.__getattribute__(obj, name)
    except AttributeError:
        return ABSENT


def _member(held: Any, obj: object, cls: type) -> object:
    try:
        return MemberDescriptorType.__get__(held, obj, cls)
    except AttributeError:
        return ABSENT
    except TypeError:
        raise Unreadable("the slot belongs to another class") from None


def _field(held: Any, obj: object, cls: type) -> object:
    try:
        return _tuplegetter.__get__(held, obj, cls)
    except (IndexError, TypeError):
        return ABSENT


def _harmless(getter: GetSetDescriptorType) -> bool:
    """Whether a getter of a builtin type only reads memory."""
    owner = getter.__objclass__
    return id(owner) in _PLAIN or (bool(flags_of(owner) & IMMUTABLE) and qualified_name(owner) in _KNOWN)


def _own_dict(base: type) -> bool:
    """Whether a builtin type has the ordinary `__dict__`."""
    return base is ModuleType or base is SimpleNamespace or base is FunctionType or issubclass(base, BaseException)


def _dict_getter(base: type) -> object:
    """The `__dict__` getter of this very class, if it is one that reads memory; else None."""
    if not text_keyed(gc.get_referents(scope_of(base))[0]):
        return None
    getter = scope_of(base).get("__dict__")
    if type(getter) is MemberDescriptorType:
        return getter if _own_dict(base) else None
    if flags_of(base) & HEAP_TYPE:
        return getter if is_ordinary_getter(base, getter) else None
    if type(getter) is not GetSetDescriptorType or getter.__objclass__ is not base:
        return None
    return getter if _own_dict(base) else None


def is_ordinary_getter(base: type, getter: object) -> bool:
    """Whether a class's getter of `__dict__` is what the interpreter gives to one that is written in Python."""
    if getter is _SHARED_GETTER:
        return True
    if type(getter) is not GetSetDescriptorType or getter.__objclass__ is not base:
        return False
    return bool(flags_of(base) & HEAP_TYPE) and getter.__doc__ == _DICT_DOC


def _text(value: Any) -> str:
    if not issubclass(type(value), str):
        return "?"
    return str.__getitem__(value, slice(MAX_NAME))


class _Ordinary:
    """What the interpreter makes of a class without slots: the measure of others."""


_SHARED_GETTER = None if sys.version_info < (3, 15) else _Ordinary.__dict__["__dict__"]
"""Python 3.15 gives one and the same getter to all classes that are written in Python."""

_mro_of = type.__dict__["__mro__"].__get__
_size_of = type.__dict__["__basicsize__"].__get__
_dict_offset_of = type.__dict__["__dictoffset__"].__get__
_module_of = type.__dict__["__module__"].__get__
_qualname_of = type.__dict__["__qualname__"].__get__

_sound: dict[int, ref[type]] = {}
"""Classes whose namespaces were found to have only text for keys, by id; once made, a class gets no others."""
_MAX_SOUND = 4096

_DICT_DOC = _Ordinary.__dict__["__dict__"].__doc__
_PLAIN_SIZE = _size_of(_Ordinary)
"""Bytes of an instance without slots; a type of an extension module that holds anything is larger."""

_PLAIN = frozenset(
    id(cls)
    for cls in (
        *(int, float, complex, str, bytes, bytearray, list, tuple, dict, set, frozenset, range, slice, memoryview),
        *(OrderedDict, defaultdict, deque, SimpleNamespace, FunctionType, property, staticmethod, classmethod),
        *(cls for cls in vars(builtins).values() if type(cls) is type and issubclass(cls, BaseException)),
    )
)
"""Builtin types that read attributes as `object` does, and whose getters read memory."""

_KNOWN = frozenset(("datetime.date", "datetime.datetime", "datetime.time", "datetime.timedelta", "decimal.Decimal"))
"""Such types of the standard library, by name, since importing them would cost the service."""

_TRANSPARENT = frozenset(
    ("sqlalchemy.orm.attributes.InstrumentedAttribute", "sqlalchemy.orm.attributes.QueryableAttribute")
)
"""Descriptors that give the stored value where there is one, and load it where there is none."""
