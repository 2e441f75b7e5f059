"""Times and counts as people type them: `30s`, `10m`, `1h`, `500ms`, `100`; a bare number of time is seconds."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    _Seconds = click.ParamType[float]
    _Number = click.ParamType[int]
else:  # click's types take a parameter since 8.4 only
    _Seconds = _Number = click.ParamType

_UNITS = {"ms": 0.001, "s": 1.0, "": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_MOST_DIGITS = 12
LARGEST_PID = 2**31 - 1
_FORM = re.compile(r"(?P<number>\d{1,9}(?:\.\d{1,6})?)\s*(?P<unit>ms|s|m|h|d|)", re.ASCII)


class Duration(_Seconds):
    """A time over zero and at most `longest` seconds; becomes seconds."""

    name = "time"

    def __init__(self, longest: float) -> None:
        self._longest = longest

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read it, or fail as click does: exit code 2."""
        if isinstance(value, float):
            return value
        match = _FORM.fullmatch(str(value).strip())
        if match is None:
            self.fail(f"{value!r} is not a time; write 30s, 10m or 1h", param, ctx)
        seconds = float(match["number"]) * _UNITS[match["unit"]]
        if not 0 < seconds <= self._longest:
            self.fail(f"{value} is not more than 0 and at most {typed(self._longest)}", param, ctx)
        return seconds


class Count(_Number):
    """A whole number of `least` to `most`."""

    name = "number"

    def __init__(self, least: int, most: int) -> None:
        self._least, self._most = least, most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read it, or fail as click does: exit code 2."""
        text = str(value).strip()
        number = int(text) if text.isascii() and text.isdecimal() and len(text) < _MOST_DIGITS else None
        if number is None or not self._least <= number <= self._most:
            self.fail(f"{value!r} is not a whole number from {self._least} to {self._most}", param, ctx)
        return number


def brief(seconds: float) -> str:
    """A duration with three figures or so, in the unit that suits it: `3.4 µs`, `91.2 ms`, `12.0 s`."""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:,.1f} {unit}"
    return f"{seconds * 1e6:.1f} µs"


def typed(seconds: float) -> str:
    """A time as people would type it, in the largest unit that takes a whole number: `10m`, `90s`."""
    for unit in ("d", "h", "m"):
        if seconds >= _UNITS[unit] and seconds % _UNITS[unit] == 0:
            return f"{seconds / _UNITS[unit]:g}{unit}"
    return f"{seconds:g}s"
