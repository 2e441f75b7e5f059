"""What is said of a probe that delivered nothing, and of what can't be a probe at all."""

from __future__ import annotations

import pytest

from pyrometer.client import watching
from pyrometer.client.command import run
from pyrometer.v1 import probe_pb2
from pyrometer.v1 import probe_service_pb2 as messages


def status(**counters: object) -> probe_pb2.ProbeStatus:
    return probe_pb2.ProbeStatus(where="Nosuch", sampled_share=1.0, **counters)  # type: ignore[arg-type]


def said_by_all(*reasons: str) -> str:
    return watching._said_by_all(dict(enumerate(reasons)))


def test_a_name_that_nobody_has_loaded_is_the_reason() -> None:
    """A misspelt exception is never raised: that nobody knows it is said in the last line, not only in the first."""
    why, remedy = watching.why_nothing([status()], raised=True, notes="no exception type Nosuch is loaded yet")
    assert why == "no Nosuch was raised (no exception type Nosuch is loaded yet)"
    assert remedy.startswith("check the names")


def test_what_one_process_alone_says_is_no_reason() -> None:
    """A master that has not loaded the type says nothing about its workers."""
    assert said_by_all("not loaded; new calls only", "new calls only") == "new calls only"
    assert said_by_all("not loaded", "") == ""
    assert said_by_all() == ""


def test_a_condition_that_was_never_true_is_counted() -> None:
    """The counters say why."""
    why, _ = watching.why_nothing([status(reached=3, condition_false=3, condition="x > 1")], raised=True)
    assert why == "raised 3 times, and the condition was never true"


def test_exceptions_that_were_all_handled_are_told_of() -> None:
    """Who asks for unhandled ones would believe that none was raised."""
    swallowed = status(reached=3, handled=3, last_handled="by checkout, shop/views.py:61")
    why, remedy = watching.why_nothing([swallowed, status()], raised=True, unhandled=True)
    assert why == "raised 3 times, and each was handled, the last one by checkout, shop/views.py:61"
    assert "without --unhandled" in remedy
    why, _ = watching.why_nothing([status(reached=4, handled=1, undecided=2)], raised=True, unhandled=True)
    assert why == "raised 4 times, and 1 of them was handled; of 2 nobody can know"
    why, _ = watching.why_nothing([status(reached=2, matched=2)], raised=True, unhandled=True)
    assert why == "raised 2 times"


def test_the_live_line_of_a_catch_says_what_was_handled() -> None:
    """Beside how many were raised."""
    probe = probe_pb2.Probe(exception=probe_pb2.ExceptionLocation(type="Lost"))
    armed = status(state=probe_pb2.PROBE_STATE_ARMED, reached=5, handled=4)
    words = watching.progress_line(probe, [armed], asked=1)
    assert words == "1 of 1 armed   raised 5   handled 4   cost 0.00 % of a core"


def test_what_was_not_delivered_between_hits_is_told() -> None:
    """Who reads log lines would take them for all there were."""
    statuses = [status(rate_limited=1200, dropped=3), status(rate_limited=34)]
    statuses[1].sampled_share = 0.25
    lines = list(watching.left_out(messages.ProbeSummary(delivered=20, statuses=statuses)))
    assert [line.partition(" more")[0] for line in lines[:2]] == ["not all: 1,234", "not all: 3"]
    assert "25 %" in lines[2]
    assert list(watching.left_out(messages.ProbeSummary(delivered=1, statuses=[status()]))) == []


@pytest.mark.parametrize(
    "words",
    [
        ["snap", "shop", "a.py:1", "--if", "x == '\udcff'"],
        ["snap", "shop", "a.py:1", "--expr", "'\udcff'"],
        ["log", "shop", "a.py:1", "\udcff {x}"],
        ["catch", "shop", "Error", "--if", "'\udcff'"],
    ],
)
def test_bytes_that_are_no_text_are_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Fault 60: invalid UTF-8 on a command line is a usage fault, not a defect."""
    assert run(words) == 2
    assert "not UTF-8 (at character " in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["Payment*"],
        ["PaymentError()"],
        [""],
        ["a b"],
        ["ValueError", "--in", "shop/views.py"],
        ["ValueError", "--in", " "],
        ["ValueError", "--if", ""],
        ["ValueError", "--if", " "],
        ["ValueError", "--expr", ""],
    ],
)
def test_what_can_never_match_is_refused_at_once(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2 instead of a minute of waiting; an empty condition is a variable of the shell that was not set."""
    assert run(["catch", "shop", *words]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_the_live_line_says_what_it_does_and_what_it_costs() -> None:
    """All processes together; what is not so is not said."""
    armed = probe_pb2.PROBE_STATE_ARMED
    probe = probe_pb2.Probe(line=probe_pb2.LineLocation(file="shop/cart.py", line=4))
    quiet = [status(state=armed, reached=12_000, cpu_share=0.0001), status(state=armed, reached=34, cpu_share=0.0001)]
    assert watching.progress_line(probe, quiet, asked=2) == "2 of 2 armed   reached 12,034   cost 0.02 % of a core"
    probe.condition = "x > 1"
    busy = status(state=probe_pb2.PROBE_STATE_PAUSED, reached=9, condition_false=7, errors=2)
    busy.sampled_share = 0.34
    pending = status(state=probe_pb2.PROBE_STATE_PENDING)
    assert watching.progress_line(probe, [busy, pending], asked=3) == (
        "1 of 3 armed   reached 9   false 7   errors 2   34 % looked at   cost 0.00 % of a core"
    )


def test_of_calls_it_is_said_that_they_ended_or_did_not() -> None:
    """What has begun and not ended is why nothing came."""
    why, _ = watching.why_nothing([status(reached=54, condition="x", condition_false=54)], raised=False, calls=True)
    assert why == "54 calls ended, and the condition was never true"
    waiting = status(open_calls=2)
    waiting.oldest_open_call.FromMilliseconds(2500)
    why, remedy = watching.why_nothing([waiting, status()], raised=False, calls=True)
    assert why == "2 calls have begun and none has ended, the first 2.5 s ago"
    assert "dump" in remedy


def test_a_remedy_speaks_of_a_condition_only_where_there_is_one() -> None:
    """`catch --unhandled` without `--if`, where all were handled, must not be told to leave `--if` out."""
    _, remedy = watching.why_nothing([status(reached=3, matched=3)], raised=True)
    assert remedy == "without --unhandled those that were handled are shown"
    _, remedy = watching.why_nothing([status(reached=3, condition="x", condition_false=3)], raised=True)
    assert "--if" in remedy
