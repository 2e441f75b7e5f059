"""What became of an exception."""

from __future__ import annotations

import signal
import sys
import threading
import time
import types
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from tests.agent.places import loaded

from pyrometer.agent.engines import fates
from pyrometer.agent.probes import Registry
from pyrometer.guard.policy import Policy
from pyrometer.link.model import NOT_YET, ProbeCounters, ProbeLimits, ProbeSpec

NAME = "shop_endings"

ENDINGS = [
    ("caught", True, "by caught, endings.py:"),
    ("caught_and_returned", True, "by caught_and_returned, endings.py:"),
    ("not_matched", True, "by not_matched, "),
    ("raised_again", True, "by raised_again, "),
    ("raised_by_name", True, "by raised_by_name, "),
    ("suppressed", True, "by suppressed, "),
    ("passed_by_a_manager", True, "by passed_by_a_manager, "),
    ("passed_by_finally", True, "by passed_by_finally, "),
    ("returned_in_finally", True, "by returned_in_finally, "),
    ("in_a_group", True, "by in_a_group, "),
    ("another_within", True, "by another_within, "),
    ("replaced", None, "replaced by RuntimeError in replace, endings.py:"),
    ("replaced_here", None, "replaced by RuntimeError in replaced_here, "),
    ("through_c", True, "by through_c, "),
    ("kept_by_c", None, "swallowed by C code called from kept_by_c, endings.py:"),
    ("thread", False, "ended thread worker-1"),
    ("bare_thread", False, "ended thread "),
    ("awaited", True, "by awaiting, "),
    ("task", None, "stored in task"),
    ("task_that_is_asked", None, "stored in task, then handled by asking, "),
    ("callback", False, "ended a callback of the event loop"),
    ("pool", None, "stored in future"),
    ("generator", True, "by generator.<locals>.produce, "),
    ("generator_that_passes_it_on", True, "by generator_that_passes_it_on, "),
    ("recursive", True, "by recursive, "),
]
if sys.version_info < (3, 12):
    # What waits is not seen, nor who asks a task.
    ENDINGS = [
        (name, None, "")
        if name == "task_that_is_asked"
        else (name, None, "not known: on Python 3.11")
        if name in ("awaited", "generator")
        else (name, handled, why)
        for name, handled, why in ENDINGS
    ]


@pytest.fixture
def endings(monkeypatch: pytest.MonkeyPatch) -> Iterator[types.ModuleType]:
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    monkeypatch.setattr(sys, "unraisablehook", lambda _: None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)  # of a return in a `finally`
        manager = loaded("endings", NAME)
        module = manager.__enter__()
    yield module
    manager.__exit__(None, None, None)


class Watcher:
    """A registry with one probe, and what it told."""

    def __init__(self, **fields: Any) -> None:
        self.events: list[dict[str, Any]] = []
        self.registry = Registry(lambda: Policy(cpu_share=1.0))
        self.registry._governor.pay = lambda *_: True  # type: ignore[method-assign]
        limits = fields.pop("limits", ProbeLimits(hits=100, rate=1000))
        spec = ProbeSpec("p", "Lost", exception=(fields.pop("kind", "Lost"), NAME), limits=limits, **fields)
        self.registry.arm(spec, self, self.emit)

    def emit(self, event: dict[str, Any], weight: int) -> bool:
        assert weight > 0
        self.events.append(event)
        return True

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["event"] == kind]

    def wait(self, kind: str, count: int = 1) -> list[dict[str, Any]]:
        deadline = time.monotonic() + 20
        while len(self.of(kind)) < count:
            assert time.monotonic() < deadline, f"no {kind}: {self.events}"
            time.sleep(0.005)
        return self.of(kind)

    def settled(self) -> ProbeCounters:
        """The probe's figures, once it is known of every exception what became of it."""
        probe, deadline = self.registry._probes["p"], time.monotonic() + 20
        while probe.verdicts.awaited:
            assert time.monotonic() < deadline, self.registry.statuses()
            time.sleep(0.01)
        (status,) = self.registry.statuses()
        return status

    def close(self) -> None:
        self.registry.release(self)
        fates = self.registry._engine.fates
        assert not fates._fates
        assert not fates._attended


@pytest.fixture
def watcher(endings: types.ModuleType) -> Iterator[Watcher]:
    made = Watcher()
    yield made
    made.close()


def test_one_that_has_the_place_of_an_earlier_one_is_another(
    endings: types.ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Raised by the same line, at the same place in memory, while nobody had time to see what became of the first."""
    monkeypatch.setattr(fates, "PERIOD", 0.3)
    monkeypatch.setattr(endings, "busy", lambda _seconds=0.0: None)
    watcher = Watcher(unhandled=True)
    for _ in range(10):
        endings.caught()
    endings.thread()
    watcher.wait("hit")
    status = watcher.settled()
    assert (status.reached, status.matched, status.handled + status.undecided) == (11, 1, 10)
    assert status.handled >= 9
    assert [hit["hit"]["exception"]["handled_why"] for hit in watcher.of("hit")] == ["ended thread worker-1"]
    watcher.close()


@pytest.mark.parametrize(("name", "handled", "why"), ENDINGS, ids=[case[0] for case in ENDINGS])
def test_what_becomes_of_it_is_told(
    watcher: Watcher, endings: types.ModuleType, name: str, handled: object, why: str
) -> None:
    """The hit goes out at once; once, however many frames it passes. The verdict follows."""
    getattr(endings, name)()
    (verdict,) = watcher.wait("verdict")
    assert (verdict["handled"], verdict["handled_why"][: len(why)]) == (handled, why)
    (hit,) = [event["hit"] for event in watcher.of("hit")]
    assert hit["exception"]["handled_why"] == NOT_YET
    assert verdict["hit_id"] == hit["hit_id"]


def test_only_what_nobody_handles_is_delivered(endings: types.ModuleType) -> None:
    """Of those that are handled, or that nobody can know of, nothing is shown; they are counted."""
    watcher = Watcher(unhandled=True, limits=ProbeLimits(hits=2, rate=1000))
    for _ in range(3):
        endings.caught()
        endings.kept_by_c()
    assert watcher.of("hit") == []
    ended = 0
    while len(watcher.of("hit")) < 2:  # what a crowded machine does not let us know in time is not shown
        endings.thread()
        ended += 1
        endings.caught()
        time.sleep(0.05)
    first, second = [event["hit"]["exception"] for event in watcher.wait("hit", 2)]
    assert (first["handled"], first["handled_why"]) == (False, "ended thread worker-1")
    assert second["handled"] is False
    watcher.wait("state")
    assert watcher.of("verdict") == []
    status = watcher.settled()
    assert status.state == "DONE"
    assert status.dropped == status.errors == 0
    assert status.reached == status.matched + status.handled + status.undecided
    assert 2 <= status.matched <= ended  # those too that came before the second one was known
    assert status.handled >= 4
    assert status.last_handled.startswith("by caught, ")
    watcher.close()


def test_one_that_is_raised_again_and_again_is_followed_each_time(watcher: Watcher, endings: types.ModuleType) -> None:
    """A singleton: the same object, raised anew. Fault 53."""
    for number in range(5):
        endings.raise_the_one(catch=number % 2 == 0)
        watcher.wait("verdict", number + 1)
    whys = [verdict["handled_why"].split(", ")[0] for verdict in watcher.of("verdict")]
    assert whys == ["by raise_the_one", "by raise_it_again"] * 2 + ["by raise_the_one"]
    assert len(watcher.of("hit")) == 5


def test_two_probes_hear_of_the_same_exception(endings: types.ModuleType) -> None:
    """Each has a hit and a verdict of its own."""
    watcher = Watcher()
    spec = ProbeSpec("q", "Lost", exception=("Exception", NAME), limits=ProbeLimits(hits=5))
    watcher.registry.arm(spec, watcher, watcher.emit)
    endings.caught()
    verdicts = watcher.wait("verdict", 2)
    assert {verdict["probe"] for verdict in verdicts} == {"p", "q"}
    assert {verdict["handled"] for verdict in verdicts} == {True}
    watcher.close()


def test_many_at_once_are_told_apart(watcher: Watcher, endings: types.ModuleType) -> None:
    """Eight threads, each with its own exceptions; every hit that was followed has one verdict. Fault 64."""
    threads = [threading.Thread(target=lambda: [endings.caught_and_returned() for _ in range(5)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    followed = [event["hit"] for event in watcher.of("hit") if event["hit"]["exception"]["handled_why"] == NOT_YET]
    verdicts = watcher.wait("verdict", len(followed))
    assert {verdict["hit_id"] for verdict in verdicts} == {hit["hit_id"] for hit in followed}
    assert {verdict["handled"] for verdict in verdicts} == {True}


def test_nothing_is_kept_alive(watcher: Watcher, endings: types.ModuleType) -> None:
    """Neither the exception nor what its frames hold: destructors run where and when they always do."""
    gone: list[tuple[str, int]] = []

    class Held:
        def __del__(self) -> None:
            gone.append(("gone", threading.get_ident()))

    def hold() -> None:
        held = Held()  # noqa: F841
        endings.caught_and_returned()

    for _ in range(20):
        hold()
        assert gone.pop() == ("gone", threading.get_ident())
    watcher.wait("verdict", len(watcher.of("hit")))


class Alarm(Exception):
    """What a signal handler of the service raises."""


def test_a_signal_while_an_exception_is_followed_reaches_the_service_once(
    watcher: Watcher, endings: types.ModuleType
) -> None:
    """Wherever it lands, in our callbacks too; none is swallowed, none comes twice. Fault 24."""
    raised, seen = 0, 0

    def ring(*_: object) -> None:
        nonlocal raised
        raised += 1
        raise Alarm

    before = signal.signal(signal.SIGALRM, ring)
    try:
        for number in range(300):
            try:
                signal.setitimer(signal.ITIMER_REAL, 0.0001 + number % 50 * 0.00002)
                for _ in range(20):
                    endings.passed_quickly()
                signal.setitimer(signal.ITIMER_REAL, 0)
            except Alarm:
                seen += 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert seen == raised > 0


def test_cancelling_and_closing_are_as_they_were(endings: types.ModuleType) -> None:
    """Of tasks and generators, by exceptions that are caught as well. Fault 26."""
    watcher = Watcher(kind="BaseException")
    assert [endings.closed(), endings.thrown(), endings.cancelled()] == ["closed", "thrown", "cancelled"]
    kinds = {event["hit"]["exception"]["type"] for event in watcher.of("hit")}
    assert kinds == {"GeneratorExit", f"{NAME}.Lost", "asyncio.exceptions.CancelledError"}
    watcher.close()
