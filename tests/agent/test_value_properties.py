"""What holds of captured values whatever they are: bounded, sendable, true, and nothing is kept."""

from __future__ import annotations

import collections
import copy
import json
import types
import weakref
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyrometer.agent import frames, values
from pyrometer.agent.values import Capture
from pyrometer.guard.redaction import Redactor
from pyrometer.link.framing import MAX_EVENT, encode
from pyrometer.link.model import ProbeLimits

Pair = collections.namedtuple("Pair", "left right")  # noqa: PYI024


class Leaf:
    """Something whose end can be seen."""

    __slots__ = ("__weakref__", "number")


@pytest.fixture(autouse=True)
def _prepared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Budgets of time are out of the way: the machine may be busy."""
    frames.prepare()
    monkeypatch.setattr(values, "MAX_SECONDS", 60.0)
    monkeypatch.setattr(values, "MAX_WALL", 60.0)


def _repeated(tree: Any, count: int) -> list[Any]:
    return [copy.copy(tree) for _ in range(count)]


_TEXTS = st.text(alphabet=st.characters(), max_size=300)
_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(1 << 9000), 1 << 9000)
    | st.floats()
    | st.complex_numbers()
    | _TEXTS
    | st.binary(max_size=300)
    | st.builds(bytearray, st.binary(max_size=20))
    | st.sampled_from([..., int, len, range(5)])
)
_KEYS = _TEXTS | st.integers() | st.binary(max_size=20) | st.none()
_TREES = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=30)
        | st.builds(_repeated, inner, st.integers(0, 60))
        | st.dictionaries(_KEYS, inner, max_size=8)
        | st.builds(tuple, st.lists(inner, max_size=8))
        | st.builds(collections.deque, st.lists(inner, max_size=8))
        | st.builds(collections.OrderedDict, st.dictionaries(_KEYS, inner, max_size=4))
        | st.builds(Pair, inner, inner)
        | st.builds(lambda fields: types.SimpleNamespace(**fields), st.dictionaries(_TEXTS, inner, max_size=4))
        | st.sets(_KEYS, max_size=8)
        | st.frozensets(_KEYS, max_size=8)
    ),
    max_leaves=30,
)
_LIMITS = st.builds(
    ProbeLimits, depth=st.integers(0, 10), items=st.integers(1, 1000), length=st.integers(1, 1000), frames=st.just(1)
)


@given(_TREES, _LIMITS, st.booleans())
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_value_is_captured_within_bounds_and_told_truly(tree: Any, limits: ProbeLimits, shape: Any) -> None:
    """Ends within its budget of nodes; UTF-8, JSON; every size is the true one; no reference stays."""
    leaf = Leaf()
    leaf.number = 7
    gone = weakref.ref(leaf)
    held = [tree, leaf]
    taken = Capture(limits, Redactor(), shape=shape)
    node = taken.value(held)
    data = encode({"it": node})[4:]
    assert len(data) < MAX_EVENT
    assert json.loads(data.decode("utf-8"))["it"]["kind"] == "list"
    assert _count(node) <= 2 * values.MAX_NODES + 4 * limits.items
    _compare(node, held)
    del taken, leaf
    held.pop()
    assert gone() is None


def _count(node: Any) -> int:
    """Nodes of a value, itself among them."""
    if isinstance(node, dict):
        return ("kind" in node) + sum(map(_count, node.values()))
    return sum(map(_count, node)) if isinstance(node, (list, tuple)) else 0


def _compare(node: dict[str, Any], obj: Any) -> None:
    """That what a node says of a value's size is so, and of all that it holds."""
    kind = node["kind"]
    if kind in ("list", "tuple", "set"):
        _compare_parts(node, "items", len(obj), [] if kind == "set" else list(obj))
    elif kind == "dict":
        _compare_parts(node, "entries", len(obj), [])
        for (_, value), held in zip(node.get("entries", ()), list(obj.values()), strict=False):
            _compare(value, held)
    elif kind in ("str", "bytes"):
        assert node.get("size", len(node.get("value", ""))) == len(obj)
    elif kind == "int" and "size" in node:
        assert node["size"] == len(hex(abs(obj))) - 2
    elif "fields" in node and isinstance(obj, types.SimpleNamespace):
        assert node.get("size", len(node["fields"])) == len(vars(obj))


def _compare_parts(node: dict[str, Any], name: str, size: int, held: list[Any]) -> None:
    parts = node.get(name, [])
    assert node.get("size", len(parts)) == size
    assert len(parts) == size or node["why"] in ("depth", "items", "budget")
    for part, value in zip(parts, held, strict=False):
        _compare(part, value)
