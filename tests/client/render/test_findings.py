"""The screen of `why`."""

from __future__ import annotations

from pyrometer.client.findings.judgement import Judgement
from pyrometer.client.findings.observation import Finding, Observations
from pyrometer.client.render.findings import lines
from pyrometer.client.render.terminal import Style

SEEN = Observations(8.0)
PLAIN = Style(enabled=False)


def finding(number: int) -> Finding:
    return Finding(
        f"trouble {number}", "high", ("in the first place", "again " * 30), 7, "t", f"pyrometer dump {number}"
    )


def test_each_finding_has_its_evidence_and_the_next_command_under_it() -> None:
    """Within the width; the last line says what is all right."""
    text = list(lines(SEEN, Judgement([finding(1)], ["no deadlock", "memory flat"]), PLAIN, 60))
    assert text[0] == " 1  trouble 1"
    assert text[1] == "    in the first place"
    assert "    next  pyrometer dump 1" in text
    assert any(line.startswith(" –  no deadlock · memory flat") for line in text)
    assert max(map(len, text)) <= 60


def test_it_is_one_screen() -> None:
    """24 lines on 80 columns for as many findings as there may be."""
    text = list(lines(SEEN, Judgement([finding(n) for n in range(9)], []), PLAIN, 80))
    assert len(text) <= 5 * 6 + 3
    assert " …  4 more: -o json has all" in text


def test_nothing_wrong_is_said_so() -> None:
    """And for how long it was looked."""
    assert next(iter(lines(SEEN, Judgement([], []), PLAIN, 80))) == "nothing is wrong that 8 s of looking show"


def test_what_comes_from_a_target_can_not_command_the_terminal() -> None:
    """A thread's name is a stranger's text."""
    evil = Finding("\x1b]0;pwned\x07 is busy", "high", ("in \x1b[2Jf",), 7, "t", "")
    text = "\n".join(lines(SEEN, Judgement([evil], []), PLAIN, 80))
    assert "\x1b" not in text
