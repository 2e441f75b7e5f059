"""The table for people, and the document for programs."""

from __future__ import annotations

import os
import platform
import sys
import time
import timeit
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.model import Beside, Figure, Measured

_WIDTHS = (46, 10, 11, 7, 17, 8)
_HEADS = ("", "pyrometer", "bar", "", "middle half", "control")


def head(speed: float, *, undisturbed: bool) -> list[str]:
    """What was measured where, and the columns; `speed`: nanoseconds of a loop's turn."""
    load = f"load {os.getloadavg()[0]:.1f}" + (", but we come first" if undisturbed else "")
    where = (
        f"Python {platform.python_version()}, {os.cpu_count()} processors, {load}; a loop's turn takes {speed:.0f} ns"
    )
    return [where, "", _line(_HEADS) + "  beside it"]


def lines(measured: Measured) -> list[str]:
    """A row's lines."""
    if measured.failure:
        return [_line((measured.row, "-", "", "", "", "")) + f"  not measured: {measured.failure}"]
    return [line for figure in measured.figures for line in _lines(figure)]


def document(rows: Sequence[Measured], speed: float) -> dict[str, Any]:
    """All of it as plain data."""
    return {
        "schema": "pyrometer.bench/v1",
        "python": platform.python_version(),
        "executable": sys.executable,
        "machine": _machine(),
        "processors": os.cpu_count(),
        "nanoseconds_a_turn": speed,
        "time": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "rows": [
            {
                "row": row.row,
                "seconds": row.seconds,
                "failure": row.failure or None,
                "figures": [_figure(figure) for figure in row.figures],
            }
            for row in rows
        ],
    }


def speed() -> float:
    """How quick this machine is now, in nanoseconds of a loop's turn: a neighbour on the same core doubles it all."""
    best = min(timeit.repeat("for number in range(10000): total = number & 255", number=10, repeat=20))
    return best / 10 / 10000 * 1e9


def _machine() -> str:
    """Its kind: the processor, and whether it is virtual."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    found = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    kind = "a virtual machine" if "hypervisor" in found.get("flags", "").split() else "a machine"
    return f"{kind} ({found.get('model name', platform.machine())})"


def _figure(figure: Figure) -> dict[str, Any]:
    return {
        "what": figure.what,
        "value": figure.value,
        "unit": figure.unit,
        "bar": figure.bar,
        "at_least": figure.at_least,
        "met": figure.met,
        "quartiles": figure.quartiles,
        "control": figure.control,
        "note": figure.note or None,
        "beside": [{"name": each.name, "value": each.value, "note": each.note or None} for each in figure.beside],
    }


def _lines(figure: Figure) -> list[str]:
    unit = figure.unit
    bar = "" if figure.bar is None else f"{'≥' if figure.at_least else '≤'} {number(figure.bar, unit)}"
    middle = "" if figure.quartiles is None else " to ".join(_bare(value, unit) for value in figure.quartiles)
    control = "" if figure.control is None else _bare(figure.control, unit)
    cells = (figure.what, number(figure.value, unit), bar, figure.verdict, middle, control)
    beside = ", ".join(_beside(each, unit) for each in figure.beside)
    found = [f"{_line(cells)}  {beside}".rstrip()]
    return found + ([f"  {figure.note}"] if figure.note else [])


def _beside(each: Beside, unit: str) -> str:
    value = "-" if each.value is None else number(each.value, unit)
    return f"{each.name} {value}" + (f" ({each.note})" if each.note else "")


def _line(cells: Sequence[str]) -> str:
    first, *rest = cells
    numbers = [cell.rjust(width) for cell, width in zip(rest, _WIDTHS[1:], strict=True)]
    return " ".join([first.ljust(_WIDTHS[0]), *numbers])


def number(value: float, unit: str) -> str:
    """A figure with its unit, as many digits as say something."""
    if unit == "x":
        return f"{_bare(value, unit)}x"
    return f"{_bare(value, unit)} {unit}".rstrip()


def _bare(value: float, unit: str) -> str:
    if unit == "x":
        return f"{value:.3f}" if value < 2 else f"{value:.1f}"
    if unit == "":
        return f"{value:g}"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
