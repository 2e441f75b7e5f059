"""Dictionaries, looked into without a key of the service's being hashed or compared.

A lookup compares the key that is sought with every stored key of equal hash, and the stored one's `__eq__` is asked
first. Only a dictionary whose keys are all exactly `str` (or other plain values) can be asked directly. CPython stores
text-keyed dictionaries in narrower entries, so their size in bytes tells them; what isn't told so is walked.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

MAX_WALK = 10_000
"""Keys of one dictionary that are looked at before we give up."""


class _Absent:
    """The type of ABSENT."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<absent>"


ABSENT = _Absent()
"""Stands for "there is none", where None is a value."""


class Unreadable(Exception):
    """Something can't be read without running the service's code, or isn't there; `why` says so in words."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Missing(Unreadable):
    """What was asked for is not there; reading it would have run nobody's code."""


def held(mapping: dict[Any, Any] | None, key: object) -> object:
    """The value under a plain key; None where there is none, no dictionary at all, or that can't be told."""
    try:
        value = ABSENT if mapping is None else find(mapping, key)
    except Unreadable:
        return None
    return None if value is ABSENT else value


def find(mapping: dict[Any, Any], key: object, limit: int = MAX_WALK) -> object:
    """The value under a plain key (text, bytes, number, None), or ABSENT. Takes subclasses, as plain dictionaries.

    Raises:
        Unreadable: the keys are not all text and there are more than `limit` of them, or they change meanwhile.
    """
    if type(mapping) is dict and dict.__sizeof__(mapping) in _TEXT_KEYED and type(key) is str:
        return mapping.get(key, ABSENT)
    kinds = _ALIKE.get(id(type(key)))
    if kinds is None:
        raise Unreadable("only text, bytes, numbers and None are looked up in a dictionary")
    try:
        return _walk(dict.items(mapping), key, kinds, limit)
    except RuntimeError:
        raise Unreadable("the dictionary changed while it was read") from None


def text_keyed(mapping: dict[Any, Any]) -> bool:
    """Whether all keys are exactly text, so that looking one up runs nothing. Unsure after MAX_WALK keys: False."""
    if type(mapping) is dict and dict.__sizeof__(mapping) in _TEXT_KEYED:
        return True
    if dict.__len__(mapping) > MAX_WALK:
        return False
    try:
        return all([type(key) is str for key in dict.keys(mapping)])
    except RuntimeError:
        return False


def _walk(items: Iterable[tuple[object, object]], key: object, kinds: tuple[type, ...], limit: int) -> object:
    first, second, third = kinds
    for count, (stored, value) in enumerate(items, 1):
        kind = type(stored)
        if (kind is first or kind is second or kind is third) and (stored is key or stored == key):
            return value
        if count > limit:
            raise Unreadable("the dictionary's keys are not all text, and there are too many of them to look through")
    return ABSENT


_ALIKE: dict[int, tuple[type, type, type]] = {
    id(str): (str, str, str),
    id(bytes): (bytes, bytes, bytes),
    id(type(None)): (type(None), type(None), type(None)),
    id(int): (int, float, bool),
    id(float): (int, float, bool),
    id(bool): (int, float, bool),
}
"""For each type of key, those whose values may equal it. By id: hashing a class may run its metaclass."""


def _sizes(base: int, entry: int) -> dict[int, int]:
    """Capacity → bytes of a dictionary that was given 2^n slots: header, index (1 to 4 bytes a slot), entries."""
    header = dict.__sizeof__({1: 1}) - base - 8 - 5 * 24
    slots = ((1 << n, 1 if n < 8 else 2 if n < 16 else 4) for n in range(3, 32))
    return {count: base + header + count * width + count * 2 // 3 * entry for count, width in slots}


def _text_keyed_sizes() -> frozenset[int]:
    """The sizes that only a text-keyed dictionary can have; none where this interpreter's dictionaries differ."""
    base = dict.__sizeof__({})
    text, other = _sizes(base, 16), _sizes(base, 24)
    for count in (8, 16, 32, 512):
        fill = range(count * 2 // 3)
        if (
            dict.__sizeof__({str(n): n for n in fill}) != text[count]
            or dict.__sizeof__({n: n for n in fill}) != other[count]
        ):
            return frozenset()
    # An instance's dictionary that shares its keys with its class is smaller than two general ones, by any amount.
    shared = range(base, other[16], 8)
    return frozenset({*text.values(), *shared} - set(other.values()))


_TEXT_KEYED = _text_keyed_sizes()
