"""Two profiles side by side, as figures and in words."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.client.profile import examples

from pyrometer.client.errors import NotFound
from pyrometer.client.profile import difference
from pyrometer.client.profile.comparison import Comparison
from pyrometer.client.profile.model import Function, Profile, Sample
from pyrometer.client.profile.selection import Selection
from pyrometer.client.render.terminal import Style

HOT, LOADS = examples.HOT, examples.LOADS


def cold(count: int = 400) -> Profile:
    """The example without its hot function."""
    sample = Sample(((LOADS, 343), (examples.MAIN, 13)), 1, 1000 * count, count)
    return replace(examples.profile(), samples=(sample,))


def hot(count: int = 400) -> Profile:
    """The example, seen so many times as often."""
    whole = examples.profile()
    samples = (replace(each, value=count * each.value, count=count * each.count) for each in whole.samples)
    return replace(whole, samples=tuple(samples))


def test_what_is_gone_comes_first() -> None:
    """With both shares; one's own, and with what it calls."""
    comparison = Comparison(hot(), cold())
    gone, grown, _ = comparison.changes[:3]
    assert (gone.function, gone.own, gone.total) == ("hot", (0.7, 0.0), (0.7, 0.0))
    assert (grown.function, grown.own, grown.total) == ("loads", (0.3, 1.0), (pytest.approx(0.4), 1.0))
    assert difference.headline(comparison) == "hot (shop/pricing.py:80) is gone: it had 70 % of the CPU time itself"


def test_what_is_new_is_said_to_be() -> None:
    """The other way round."""
    said = difference.headline(Comparison(cold(), hot()))
    assert said == "hot (shop/pricing.py:80) is new: it has 70 % of the CPU time itself"


def test_what_grew_is_said_with_both_shares() -> None:
    """A function that both have."""
    more = Sample(((HOT, 80),), 0, 60_000_000, 4000)
    comparison = Comparison(hot(), replace(hot(), samples=(*hot().samples, more)))
    assert difference.headline(comparison) == "hot (shop/pricing.py:80) grew from 70 % to 88 % of the CPU time itself"


def test_what_chance_does_is_no_change() -> None:
    """At ten samples each a difference of thirty points is none."""
    few = replace(examples.profile(), samples=examples.profile().samples[:3])
    comparison = Comparison(examples.profile(), few)
    assert comparison.certain == ()
    assert difference.headline(comparison).startswith("nothing changed beyond what chance does: up to")


def test_a_profile_and_itself_do_not_differ() -> None:
    """No function has a change, and each is matched with itself."""
    comparison = Comparison(hot(), hot())
    assert [change.grown for change in comparison.changes] == [0.0] * 4
    assert len(comparison.together.functions) == 4
    assert list(difference.lines(comparison, Style(enabled=False), 100)) == []


def test_a_deployment_s_other_folder_does_not_matter() -> None:
    """The same function where the path ends alike, if there is but one such."""
    elsewhere = Function("hot", "/srv/releases/42/shop/pricing.py", examples.profile().functions[HOT].origin)
    functions = list(hot().functions)
    functions[HOT] = elsewhere
    comparison = Comparison(hot(), replace(hot(), functions=tuple(functions)))
    assert [change.grown for change in comparison.changes] == [0.0] * 4
    functions.append(replace(elsewhere, file="/srv/releases/41/shop/pricing.py"))
    doubtful = Comparison(hot(), replace(hot(), functions=tuple(functions)))
    assert {change.own for change in doubtful.changes if change.function == "hot"} == {(0.7, 0.0), (0.0, 0.7)}


def test_both_together_have_all_samples() -> None:
    """Of the processes and threads of both, which stay apart."""
    both = Comparison(hot(), cold()).together
    assert (len(both.processes), len(both.threads), both.count) == (4, 4, hot().count + cold().count)
    assert {both.threads[sample.thread].process for sample in both.samples} == {0, 1, 3}


def test_the_lists_say_what_shrank_and_what_grew() -> None:
    """First that which has what changed most; figures are never cut."""
    found = list(difference.lines(Comparison(hot(), cold()), Style(enabled=False), 72))
    assert [line.split()[0] for line in found if line] == ["SHRANK", "−70.0", "GREW", "+70.0"]
    assert found[2] == " −70.0    70 % →   0 %    70 % →   0 %   hot        shop/pricing.py:80"


def test_two_kinds_of_time_are_said_to_be_two() -> None:
    """Processor time and wall time differ for that alone."""
    (caution,) = difference.cautions(Comparison(hot(), replace(hot(), kind="wall")))
    assert caution == "one side is CPU time, the other wall time: they differ for that alone"


def test_a_process_is_chosen() -> None:
    """By its id; of the rest nothing is known any more."""
    part = Selection(4108).of(examples.profile())
    assert [process.pid for process in part.processes] == [4108]
    assert [thread.process for thread in part.threads] == [0]
    assert examples.seen(part) == {
        key: value for key, value in examples.seen(examples.profile()).items() if key[0] == 4108
    }


@pytest.mark.parametrize(("thread", "pid"), [("MainThread", 4107), ("4109", 4108)])
def test_a_thread_is_chosen(thread: str, pid: int) -> None:
    """By its name or its id."""
    assert {key[0] for key in examples.seen(Selection(thread=thread).of(examples.profile()))} == {pid}


@pytest.mark.parametrize(
    ("selection", "known"), [(Selection(1), "It has: 4107, 4108"), (Selection(4107, "none"), "It has: MainThread")]
)
def test_what_is_not_in_a_profile_is_named_with_what_is(selection: Selection, known: str) -> None:
    """So that the next try is right."""
    with pytest.raises(NotFound) as caught:
        selection.of(examples.profile())
    assert caught.value.next == known
