"""Readings of the GIL's state: what the agent says of the place is not taken on trust."""

from __future__ import annotations

import ctypes
import os
import struct
import time
from typing import Any

import pytest

from pyrometer.server.gil import GilWatch
from pyrometer.server.stacks import ThreadStack

THREADS = (ThreadStack("one", 1, (), ident=77), ThreadStack("two", 2, (), ident=88), ThreadStack("nameless", 3, ()))


def state(ident: int, *, held: bool) -> tuple[Any, dict[str, int]]:
    """Memory that looks like the GIL's state and its holder's, and the place of it."""
    thread = ctypes.create_string_buffer(struct.pack("=QQ", 5, ident), 16)
    gil = ctypes.create_string_buffer(struct.pack("=QI", ctypes.addressof(thread), held), 12)
    return (thread, gil), {"holder": ctypes.addressof(gil), "ident": 8}


def watched(place: Any) -> list[tuple[bool | None, float | None]]:
    watch = GilWatch(os.getpid(), place)
    watch.wait(0.02)
    return [(thread.holds_gil, thread.gil_percent) for thread in watch.marked(THREADS)]


@pytest.mark.parametrize(
    ("ident", "held", "told"),
    [
        (77, True, [(True, 100.0), (False, 0.0), (False, 0.0)]),
        (77, False, [(False, 0.0), (False, 0.0), (False, 0.0)]),
        (99, True, [(False, 0.0), (False, 0.0), (False, 0.0)]),
        (0, True, [(False, 0.0), (False, 0.0), (False, 0.0)]),
    ],
)
def test_the_holder_is_known_by_its_ident(*, ident: int, held: bool, told: list[tuple[bool, float]]) -> None:
    """Where nobody holds it the last holder is none; a thread that is not known is nobody of ours."""
    kept, place = state(ident, held=held)
    assert watched(place) == told
    assert kept


@pytest.mark.parametrize(
    "place",
    [
        None,
        {},
        7,
        {"holder": 0, "ident": 0},
        {"holder": 2**70, "ident": 1},
        {"holder": "x", "ident": 1},
        {"holder": -1},
    ],
)
def test_without_a_place_nothing_is_known(place: object) -> None:
    """An agent of another version, or a hostile one; the time passes all the same."""
    began = time.monotonic()
    assert watched(place) == [(None, None)] * 3
    assert time.monotonic() - began >= 0.02


def test_a_process_that_may_not_be_read_is_not_known() -> None:
    """Or that is gone."""
    kept, place = state(77, held=True)
    watch = GilWatch(2**22 + 1, place)
    watch.wait(0.001)
    assert watch.marked(THREADS) == THREADS
    assert kept
