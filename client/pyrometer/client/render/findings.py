"""The text of `why`: one screen of findings, worst first, and a last line that says what is all right."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from pyrometer.client.findings.judgement import Judgement
from pyrometer.client.findings.observation import Finding, Observations
from pyrometer.client.render.terminal import Style, cut, escape

_SHOWN = 5
"""Findings that fit on a screen."""
_PAINT = {"critical": ("bold", "red"), "high": ("red",), "medium": ("yellow",), "low": ("dim",)}
_INDENT = "    "
_MOST_EVIDENCE = 5


def lines(seen: Observations, judgement: Judgement, style: Style, width: int) -> Iterator[str]:
    """The screen."""
    for number, finding in enumerate(judgement.findings[:_SHOWN], 1):
        yield from _finding(number, finding, style, width)
    if len(judgement.findings) > _SHOWN:
        yield f" …  {len(judgement.findings) - _SHOWN} more: -o json has all"
    if not judgement.findings:
        yield style.paint(f"nothing is wrong that {seen.seconds:.0f} s of looking show", "green")
    yield from _hanging(" –  ", " · ".join([*map(escape, judgement.all_right), _looked(seen)]), width)


def _finding(number: int, finding: Finding, style: Style, width: int) -> Iterator[str]:
    yield f"{number:>2}  " + style.paint(cut(escape(finding.what), width - len(_INDENT)), *_PAINT[finding.severity])
    for evidence in finding.evidence[:_MOST_EVIDENCE]:
        yield from _hanging(_INDENT, escape(evidence), width)
    if finding.next:
        yield f"{_INDENT}{style.paint('next', 'dim')}  {style.paint(escape(finding.next), 'cyan')}"


def _looked(seen: Observations) -> str:
    count = len(seen.processes)
    processes = "1 process" if count == 1 else f"{count} processes"
    return f"{processes} looked at {len(seen.looks)} times in {seen.seconds:.0f} s"


def _hanging(first: str, text: str, width: int) -> list[str]:
    """Text behind its beginning, and under it where it takes more lines than one."""
    return textwrap.wrap(
        text,
        width,
        initial_indent=first,
        subsequent_indent=" " * len(first),
        break_on_hyphens=False,
    )
