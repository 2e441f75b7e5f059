"""Times and counts as people type them."""

from __future__ import annotations

import importlib
from typing import Any, NoReturn

import click
import pytest

from pyrometer.client import quantities
from pyrometer.client.quantities import Count, Duration, typed


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("10m", 600), ("1h", 3600), ("500ms", 0.5), ("1.5", 1.5), (" 5 s ", 5)]
)
def test_times_are_read(text: str, seconds: float) -> None:
    """A number and a unit; a bare number is seconds."""
    assert Duration(86_400).convert(text, None, None) == seconds


@pytest.mark.parametrize("text", ["0", "-1s", "nan", "inf", "1e9", "5x", "", "٣s", "99999999999s", "2d", "1s;ls"])
def test_what_is_no_time_or_too_long_is_refused(text: str) -> None:
    """Nothing endless, nothing negative, no digits that only look like some."""
    with pytest.raises(click.UsageError):
        Duration(86_400).convert(text, None, None)


@pytest.mark.parametrize("text", ["0", "-1", "1001", "1.5", "x", "", "٣", "9" * 30])
def test_a_count_is_a_whole_number_in_its_range(text: str) -> None:
    """What is meant is said: the range, not the name of a type."""
    with pytest.raises(click.UsageError, match="whole number from 1 to 1000"):
        Count(1, 1000).convert(text, None, None)


def test_a_time_is_written_as_one_types_it() -> None:
    """What is printed can be typed."""
    assert [typed(seconds) for seconds in (1.0, 90.0, 600.0, 86_400.0)] == ["1s", "90s", "10m", "1d"]


def test_types_need_no_parameter_of_clicks() -> None:
    """Click before 8.4 has types that take none: an environment that pins it must not break every verb with a time."""

    def refuse(_kind: Any, _item: Any) -> NoReturn:
        raise TypeError("type 'ParamType' is not subscriptable")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(click.ParamType, "__class_getitem__", classmethod(refuse), raising=False)
        importlib.reload(quantities)
    importlib.reload(quantities)
