"""Dictionaries: found is what Python finds, and no key of the service's is hashed or compared."""

from __future__ import annotations

import math
from collections import OrderedDict, defaultdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyrometer.agent.mappings import ABSENT, Unreadable, find, text_keyed

keys = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.floats(),
    st.sampled_from([1.0, math.inf]),
    st.text("ab", max_size=2),
    st.binary(max_size=1),
)


class Key(str):
    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        raise AssertionError("a key was compared")


@given(
    st.dictionaries(keys, st.integers()),
    keys,
    st.sampled_from([dict, OrderedDict, lambda entries: defaultdict(int, entries)]),
)
def test_found_is_what_python_finds(entries: dict[Any, int], key: Any, kind: Any) -> None:
    """Numbers of several types are one key; text and bytes never are."""
    mapping = kind(entries)
    assert find(mapping, key) == dict.get(mapping, key, ABSENT)
    assert not text_keyed(entries) or all(type(each) is str for each in entries)


@pytest.mark.parametrize("count", [*range(70), 1000, 70_000])
def test_a_key_that_is_no_text_is_always_noticed(count: int) -> None:
    """Told by the size of the dictionary, whatever its size and however it came to be."""
    texts = {str(number): number for number in range(count)}
    assert text_keyed(texts) or count > 10_000
    for made in ({**texts, 5: 5}, {5: 5, **texts}, dict(list({**texts, 5: 5}.items())), {**texts, 5: 5}.copy()):
        assert not text_keyed(made)
        del made[5]
        assert find({**made, Key("wanted"): 1}, "0") == (0 if count else ABSENT) or count > 10_000
    grown: dict[Any, int] = {}
    for number in range(min(count, 1000)):
        grown[str(number)] = number
        assert text_keyed(grown)
    grown[Key("wanted")] = 1
    assert not text_keyed(grown)
    assert find(grown, "wanted") is ABSENT


@pytest.mark.parametrize("count", range(60))
def test_a_key_of_an_instance_that_is_no_text_is_always_noticed(count: int) -> None:
    """The dictionary of an instance shares its keys with others of the class, and has other sizes for that."""
    cls = type("Shared", (), {})
    for _ in range(3):
        obj = cls()
        for number in range(count):
            setattr(obj, f"a{number}", number)
        assert text_keyed(vars(obj))
        vars(obj)[Key("wanted")] = 1
        assert not text_keyed(vars(obj))
        assert find(vars(obj), "wanted") is ABSENT


def test_large_dictionaries_of_other_keys_are_given_up() -> None:
    """What can't be told by its size is walked, within a bound."""
    mapping = {number: number for number in range(20_000)}
    assert find(mapping, 5) == 5
    with pytest.raises(Unreadable, match="too many"):
        find(mapping, 19_999)
    with pytest.raises(Unreadable, match="too many"):
        find(mapping, 50, limit=10)


@pytest.mark.parametrize("key", [(1, 2), frozenset(), object(), Key("a"), bytearray(b"a")])
def test_only_plain_keys_are_looked_up(key: object) -> None:
    """Anything else would be hashed by its own code."""
    with pytest.raises(Unreadable, match="looked up"):
        find({"a": 1}, key)
