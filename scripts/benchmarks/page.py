"""`python -m benchmarks.page FILE...`: docs/performance.md, of what `scripts/bench --json` wrote on several Pythons.

Where several files are of one Python, a row is the latest one that was measured.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.model import Beside, Figure
from benchmarks.report import number

_HEAD = """# Performance

What Pyrometer costs, as `scripts/bench --quick --peers` measured it; the bars are those of
[ARCHITECTURE.md](../ARCHITECTURE.md). Made by `python -m benchmarks.page`: no figure here is from anywhere else.

{where}.

Read ratios rather than digits: other work ran on that machine, too, and a turn of a loop that only counts took
{speed} ns, which is slow. ✓ is met, ✗ is missed, ~ is a distance to the bar that is smaller than the noise;
what has no mark has no bar.
"""
_MARKS = {"met": "✓", "MISSED": "✗", "noise": "~", "": ""}


def main(paths: Sequence[str]) -> int:
    """Print the page."""
    documents = _merged([json.loads(Path(path).read_text(encoding="utf-8")) for path in paths])
    if not documents:
        sys.stderr.write("usage: python -m benchmarks.page FILE...\n")
        return 2
    sys.stdout.write(
        "\n".join([_head(documents), *_table(documents), "", *_peers(documents[0]), *_failures(documents)])
    )
    sys.stdout.write("\n")
    return 0


def _merged(documents: Sequence[Any]) -> list[Any]:
    """One document for each Python; each of its rows says on which day it was measured."""
    by_python: dict[str, Any] = {}
    for document in sorted(documents, key=lambda each: str(each["time"])):
        rows = {row["row"]: {**row, "day": document["time"][:10]} for row in document["rows"]}
        earlier = by_python.get(document["python"])
        if earlier is not None:
            rows = {**{row["row"]: row for row in earlier["rows"]}, **rows}
        by_python[document["python"]] = {**document, "rows": list(rows.values())}
    return [by_python[python] for python in sorted(by_python, key=lambda text: [int(part) for part in text.split(".")])]


def _days(documents: Sequence[Any]) -> str:
    """Which rows were measured on which day."""
    rows: dict[str, dict[str, None]] = {}
    for row in (row for document in documents for row in document["rows"]):
        rows.setdefault(row["day"], {})[row["row"]] = None
    if len(rows) == 1:
        return f"on {next(iter(rows))}"
    return "; ".join(f"on {day}: {', '.join(names)}" for day, names in sorted(rows.items()))


def _head(documents: Sequence[Any]) -> str:
    machine = documents[0]["machine"]
    speeds = dict.fromkeys(f"{each:.0f}" for each in sorted(document["nanoseconds_a_turn"] for document in documents))
    where = f"Measured on {machine}, {documents[0]['processors']} cores, {_days(documents)}"
    return _HEAD.format(where=where, speed=" to ".join([*speeds][:: max(1, len(speeds) - 1)]))


def _table(documents: Sequence[Any]) -> list[str]:
    """A line a figure, a column a Python."""
    by_python = [{figure.what: figure for figure in _figures(document)} for document in documents]
    whats = list(dict.fromkeys(what for figures in by_python for what in figures))
    heads = [f"Python {document['python']}" for document in documents]
    lines = [f"| | bar | {' | '.join(heads)} |", f"|---|---|{'---|' * len(heads)}"]
    for what in whats:
        cells = [_cell(figures.get(what)) for figures in by_python]
        lines.append(
            f"| {what} | {_bars([figures[what] for figures in by_python if what in figures])} | {' | '.join(cells)} |"
        )
    return lines


def _peers(document: Any) -> list[str]:
    """What the same costs elsewhere, on one Python."""
    lines = [f"## Beside it, on Python {document['python']}", "", "| | Pyrometer | elsewhere |", "|---|---|---|"]
    for figure in _figures(document):
        if figure.beside:
            others = "; ".join(_beside(each, figure.unit) for each in figure.beside)
            lines.append(f"| {figure.what} | {number(figure.value, figure.unit)} | {others} |")
    return lines


def _failures(documents: Sequence[Any]) -> list[str]:
    found = [
        f"* {row['row']}, Python {document['python']}: {row['failure']}"
        for document in documents
        for row in document["rows"]
        if row["failure"]
    ]
    return ["", "## Not measured", "", *found] if found else []


def _figures(document: Any) -> list[Figure]:
    return [
        Figure(
            **{name: value for name, value in figure.items() if name not in ("met", "beside")},
            beside=[Beside(**each) for each in figure["beside"]],
        )
        for row in document["rows"]
        for figure in row["figures"]
    ]


def _bars(figures: Sequence[Figure]) -> str:
    """The bar; several where it differs between Pythons."""
    bars = dict.fromkeys(
        f"{'≥' if figure.at_least else '≤'} {number(figure.bar, figure.unit)}"
        for figure in figures
        if figure.bar is not None
    )
    return " / ".join(bars)


def _cell(figure: Figure | None) -> str:
    return "–" if figure is None else f"{number(figure.value, figure.unit)} {_MARKS[figure.verdict]}".rstrip()


def _beside(each: Beside, unit: str) -> str:
    value = "–" if each.value is None else number(each.value, unit)
    return f"{each.name} {value}" + (f" ({each.note})" if each.note else "")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
