from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
import types
from collections.abc import Callable
from typing import Any

import pytest
from tests.agent.owners import Owner, local
from tests.agent.places import FAULTS, PROGRAMS, SHAPES, line_of, loaded

from pyrometer.agent import engines, probes
from pyrometer.agent.engines import Placement
from pyrometer.agent.engines.fates import Fates
from pyrometer.agent.probes import Registry
from pyrometer.guard.policy import Policy
from pyrometer.link.errors import (
    AmbiguousPlace,
    BadRequest,
    BudgetExceeded,
    EngineUnavailable,
    ExpressionRejected,
    LinkError,
    NoSuchPlace,
    RedactedName,
    Refused,
)
from pyrometer.link.framing import encode
from pyrometer.link.model import ProbeLimits, ProbeSpec

MANY = ProbeLimits(hits=1000, rate=1000)


class FakeEngine:
    """Remembers what it was asked for; `fire` is an event."""

    name = "fake"

    def __init__(self) -> None:
        self.fates = Fates()
        self.lines: list[Any] = []
        self.exceptions: list[Any] = []
        self.ours = True
        self.error = ""
        self.unavailable = ""
        self.paused: list[tuple[str, bool]] = []

    def arrange(self, lines: Any, exceptions: Any, calls: Any = ()) -> list[Placement]:
        if self.unavailable and (lines or exceptions or calls):
            raise EngineUnavailable(self.unavailable)
        self.lines, self.exceptions = list(lines), list(exceptions)
        return [Placement(point.probe_id, error=self.error, note="a note") for point in (*lines, *exceptions)]

    def open_calls(self, _probe_id: str, _now: float) -> tuple[int, float]:
        return 0, 0.0

    def pause(self, probe_id: str, *, paused: bool) -> None:
        self.paused.append((probe_id, paused))

    def leave(self) -> None:
        self.lines, self.exceptions = [], []

    def owned(self) -> bool:
        return self.ours


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def faked(engine: FakeEngine) -> Registry:
    return Registry(Policy, lambda: engine)


def at(words: str, probe_id: str = "p", **fields: Any) -> ProbeSpec:
    return ProbeSpec(probe_id, f"shapes.py ({words})", line=("shapes.py", line_of("shapes", words)), **fields)


def catching(name: str, scope: str = FAULTS, probe_id: str = "p", **fields: Any) -> ProbeSpec:
    return ProbeSpec(probe_id, name, exception=(name, scope), **fields)


def eventually(condition: Callable[[], object], registry: Registry | None = None) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        if registry is not None:
            registry.tick(time.monotonic())
        time.sleep(0.01)


# Hits.


def test_a_line_probe_delivers_frames_with_values(registry: Registry, owner: Owner, shapes: types.ModuleType) -> None:
    """Innermost first, before the line runs, as plain data that can be sent."""
    status = registry.arm(at("plain: return", limits=MANY), owner, owner.emit)
    assert (status.state, status.where) == ("ARMED", "shapes.py (plain: return)")
    assert shapes.plain(1, 5) == 6
    (hit,) = owner.hits
    frame = hit["frames"][0]
    assert frame["function"] == "plain"
    assert frame["module"] == SHAPES
    assert frame["line"] == line_of("shapes", "plain: return")
    assert frame["file"].endswith("programs/shapes.py")
    assert frame["locals"] == [
        ["a", {"type": "int", "kind": "int", "value": "1"}],
        ["b", {"type": "int", "kind": "int", "value": "5"}],
        ["total", {"type": "int", "kind": "int", "value": "6"}],
    ]
    assert hit["frames"][1]["function"] == "test_a_line_probe_delivers_frames_with_values"
    assert hit["thread"] == threading.current_thread().name
    assert hit["exception"] is None
    assert hit["pause"] > 0
    assert encode(owner.events[0])


def test_a_function_probe_is_hit_before_its_first_line(
    registry: Registry, owner: Owner, shapes: types.ModuleType
) -> None:
    """Once a call, methods and decorated functions too."""
    registry.arm(ProbeSpec("p", "", function=(SHAPES, "Cart.*"), limits=MANY), owner, owner.emit)
    shapes.Cart([1, 2]).total()
    shapes.Cart([1]).first()
    assert [hit["frames"][0]["function"] for hit in owner.hits] == [
        "Cart.__init__",
        "Cart.total",
        "Cart.__init__",
        "Cart.first",
    ]


def test_an_exception_probe_delivers_every_frame_and_the_exception(
    registry: Registry, owner: Owner, faults: types.ModuleType
) -> None:
    """From the raise to the outermost; what is secret stays inside. Fault 53."""
    registry.arm(catching("PaymentError", condition="amount > 1000"), owner, owner.emit)
    faults.checkout(10)
    faults.checkout(1200)
    (hit,) = owner.hits
    assert [frame["function"] for frame in hit["frames"][:3]] == ["decline", "charge", "checkout"]
    assert local(hit, "amount", 2)["value"] == "1200"
    assert local(hit, "card_number")["kind"] == "redacted"
    raised = hit["exception"]
    assert (raised["type"], raised["message"], raised["handled"]) == (f"{FAULTS}.CardError", "declined 1200", None)
    (status,) = registry.statuses()
    assert (status.reached, status.condition_false, status.matched, status.state) == (2, 1, 1, "DONE")


def test_frames_below_the_scope_come_along(registry: Registry, owner: Owner, faults: types.ModuleType) -> None:
    """The library's frames are ended by then; the traceback has them, with values and the line that raised."""
    registry.arm(catching("JSONDecodeError"), owner, owner.emit)
    faults.decline = json.loads
    faults.swallow(faults.charge, "{")
    (hit,) = owner.hits
    names = [frame["function"] for frame in hit["frames"]]
    assert names[:4] == ["JSONDecoder.raw_decode", "JSONDecoder.decode", "loads", "charge"]
    assert local(hit, "s", 2)["value"] == "{"


def test_expressions_come_with_a_hit(registry: Registry, owner: Owner, shapes: types.ModuleType) -> None:
    """In their order; one that has no value says why, and the hit comes all the same."""
    shapes.limit = 7
    spec = at("plain: return", expressions=("a + 1", "limit", "nothing", "password"))
    registry.arm(spec, owner, owner.emit)
    shapes.plain(1)
    one, limit, nothing, password = owner.hits[0]["expressions"]
    assert one == ["a + 1", {"type": "int", "kind": "int", "value": "2"}]
    assert limit[1]["value"] == "7"
    assert nothing[1]["kind"] == "unreadable"
    assert "nothing" in nothing[1]["why"]
    assert password[1]["kind"] == "redacted"


def test_an_expression_may_read_the_exception(registry: Registry, owner: Owner, faults: types.ModuleType) -> None:
    """`exc` is a name like others, after locals and globals."""
    registry.arm(catching("CardError", condition="len(exc.args) == 1", expressions=("exc.args[0]",)), owner, owner.emit)
    faults.checkout(3)
    assert owner.hits[0]["expressions"][0][1]["value"] == "declined 3"


def test_frames_are_bounded_and_those_left_out_counted(
    registry: Registry, owner: Owner, faults: types.ModuleType
) -> None:
    """Both ends: deep recursion, and a traceback longer than what is shown.

    It is caught although there was no room for our frames where it was raised. Fault 23.
    """
    registry.arm(catching("RecursionError", limits=ProbeLimits(frames=10)), owner, owner.emit)
    with pytest.raises(RecursionError):
        faults.forever(0)
    (hit,) = owner.hits
    assert len(hit["frames"]) == 10
    assert hit["left_out"] > 50


def test_the_owner_may_let_out_shapes_only(owner: Owner, shapes: types.ModuleType, faults: types.ModuleType) -> None:
    """`values = "shape"`: types and sizes, no content."""
    registry = Registry(lambda: Policy(values="shape"))
    registry.arm(at("plain: return"), owner, owner.emit)
    registry.arm(catching("CardError", probe_id="q"), owner, owner.emit)
    shapes.plain(123456)
    faults.checkout(123456)
    registry.release(owner)
    assert len(owner.hits) == 2
    assert "123456" not in json.dumps(owner.events)


def test_values_of_forbidden_modules_stay_inside(owner: Owner, shapes: types.ModuleType) -> None:
    """Their frames are named, and that is all; a probe in them is refused."""
    registry = Registry(lambda: Policy(forbidden_modules=(__name__,)))
    registry.arm(at("plain: return"), owner, owner.emit)
    shapes.plain(1)
    registry.release(owner)
    assert owner.hits[0]["frames"][0]["locals"]
    assert owner.hits[0]["frames"][1]["locals"] is None


# Counting.


def test_exactly_so_many_hits_are_delivered_by_many_threads(
    registry: Registry, owner: Owner, shapes: types.ModuleType
) -> None:
    """-n 5, eight threads at it. Then it is DONE, says so once, and the engine is free of it."""
    registry.arm(at("plain: return", limits=ProbeLimits(hits=5, rate=1000)), owner, owner.emit)
    start = threading.Barrier(8)

    def work() -> None:
        start.wait()
        for _ in range(50):
            shapes.plain(1)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    registry.tick(time.monotonic())
    assert len(owner.hits) == 5
    assert len({hit["hit_id"] for hit in owner.hits}) == 5
    assert owner.states == ["DONE"]
    assert registry.tick(time.monotonic()) is None
    assert registry.statuses()[0].reason == "delivered 5 of 5"


def test_hits_over_the_rate_are_counted_and_kept_back(
    registry: Registry, owner: Owner, shapes: types.ModuleType
) -> None:
    """Ten a second by default."""
    registry.arm(at("plain: return", limits=ProbeLimits(hits=1000, rate=3)), owner, owner.emit)
    began = time.monotonic()
    for _ in range(100):
        shapes.plain(1)
    seconds = time.monotonic() - began
    (status,) = registry.statuses()
    assert 3 <= len(owner.hits) <= 3 * (1 + int(seconds))
    assert status.matched == 100
    assert status.rate_limited == 100 - len(owner.hits)


def test_a_hit_that_was_dropped_is_not_one_of_those_asked_for(
    registry: Registry, owner: Owner, shapes: types.ModuleType
) -> None:
    """A slow reader: it is counted, and another may be delivered in its place. Fault 65."""
    owner.full = True
    registry.arm(at("plain: return", limits=ProbeLimits(hits=1, rate=1000)), owner, owner.emit)
    shapes.plain(1)
    assert registry.statuses()[0].dropped == 1
    owner.full = False
    shapes.plain(2)
    shapes.plain(3)
    (hit,) = owner.hits
    assert local(hit, "a")["value"] == "2"
    assert registry.statuses()[0].state == "DONE"


def test_why_it_has_not_fired_is_told_by_the_counters(
    registry: Registry, owner: Owner, shapes: types.ModuleType
) -> None:
    """Reached, condition false, errors with their reason."""
    registry.arm(at("plain: return", condition="a > 10"), owner, owner.emit)
    registry.arm(at("plain: return", "q", condition="missing > 10"), owner, owner.emit)
    for a in range(7):
        shapes.plain(a)
    false, wrong = registry.statuses()
    assert (false.reached, false.condition_false, false.matched, false.errors) == (7, 7, 0, 0)
    assert (wrong.reached, wrong.condition_false, wrong.errors) == (7, 0, 7)
    assert "missing" in wrong.last_error


def test_an_exception_after_the_last_hit_is_not_counted(
    registry: Registry, owner: Owner, faults: types.ModuleType
) -> None:
    """Until the next tick the events still come; nobody looks at them, so their condition was not false."""
    registry.arm(catching("CardError", condition="amount > 1", limits=ProbeLimits(hits=1)), owner, owner.emit)
    for _ in range(3):
        faults.checkout(5)
    status = registry.statuses()[0]
    assert (status.state, status.reached, status.matched, status.condition_false) == ("DONE", 1, 1, 0)


def test_a_condition_that_fails_ten_times_in_a_row_ends_its_probe(
    registry: Registry, owner: Owner, shapes: types.ModuleType
) -> None:
    """Reported once, with the reason. Fault 59."""
    registry.arm(at("plain: return", condition="missing > 10"), owner, owner.emit)
    for a in range(12):
        shapes.plain(a)
    registry.tick(time.monotonic())
    registry.tick(time.monotonic())
    assert owner.states == ["FAILED"]
    assert "missing" in registry.statuses()[0].reason


def test_a_condition_on_a_property_is_an_error_and_the_probe_stays(
    registry: Registry, owner: Owner, shapes: types.ModuleType
) -> None:
    """Refused with the reason at the hit: the next value may have what was asked for. Fault 58."""
    ran = []

    class Adding:
        amount = property(ran.append)

        def __add__(self, other: object) -> int:
            return 1

    class Stored(Adding):
        amount = 11

    registry.arm(at("plain: return", condition="a.amount > 10", limits=MANY), owner, owner.emit)
    for _ in range(3):
        shapes.plain(Adding())
        shapes.plain(Stored())
    registry.tick(time.monotonic())
    status = registry.statuses()[0]
    assert (status.state, status.errors, status.matched, ran) == ("ARMED", 3, 3, [])
    assert "amount is a property of" in status.last_error


def test_errors_now_and_then_do_not_end_a_probe(registry: Registry, owner: Owner, shapes: types.ModuleType) -> None:
    """Ten in a row, not ten in all. Fault 59."""
    registry.arm(at("unset_until: done", condition="late > 100"), owner, owner.emit)
    for _ in range(20):
        shapes.unset_until(1)
        shapes.unset_until(2)
    registry.tick(time.monotonic())
    status = registry.statuses()[0]
    assert (status.state, status.errors, status.condition_false) == ("ARMED", 20, 20)


# Life cycle.


def test_a_place_that_is_not_loaded_is_pending_and_armed_on_import(registry: Registry, owner: Owner) -> None:
    """By ticks, without a hook in the service's imports. Fault 27."""
    status = registry.arm(at("plain: return"), owner, owner.emit)
    assert status.state == "PENDING"
    assert "not loaded" in status.reason
    registry.arm(ProbeSpec("f", "", function=(SHAPES, "plain")), owner, owner.emit)
    registry.tick(time.monotonic())
    assert owner.states == []
    with loaded("shapes", SHAPES) as module:
        eventually(lambda: owner.states == ["ARMED", "ARMED"], registry)
        module.plain(1)
        assert len(owner.hits) == 2


def test_a_place_that_turns_out_wrong_on_import_fails_with_the_reason(registry: Registry, owner: Owner) -> None:
    """The line is a comment. Fault 28."""
    registry.arm(at("with_blank: comment"), owner, owner.emit)
    with loaded("shapes", SHAPES):
        eventually(lambda: owner.states == ["FAILED"], registry)
    assert "nearest" in registry.statuses()[0].reason


def test_a_module_that_is_loaded_again_is_followed(registry: Registry, owner: Owner) -> None:
    """Its functions are new ones. Fault 31."""
    with loaded("shapes", SHAPES) as old:
        registry.arm(at("plain: return", limits=MANY), owner, owner.emit)
    with loaded("shapes", SHAPES) as new:
        codes = registry._probes["p"].codes
        eventually(lambda: registry._probes["p"].codes is not codes, registry)
        new.plain(1)
        assert local(owner.hits[-1], "a")["value"] == "1"
        assert old.plain(1) == 3


def test_a_probe_ends_when_its_time_is_over(faked: Registry, engine: FakeEngine, owner: Owner, shapes: Any) -> None:
    """It always has an end. Fault 66: the clock is monotonic."""
    faked.arm(at("plain: return", limits=ProbeLimits(ttl=5.0)), owner, owner.emit)
    now = time.monotonic()
    assert faked.tick(now) == probes.TICK
    assert engine.lines
    faked.tick(now + 6)
    assert (owner.states, engine.lines) == (["EXPIRED"], [])
    assert faked.tick(now + 7) is None


def test_the_end_of_a_probe_is_told_although_its_reader_was_slow(
    faked: Registry, engine: FakeEngine, owner: Owner, shapes: Any
) -> None:
    """A watcher that never heard of it would wait for ever. Fault 65."""
    faked.arm(at("plain: return", limits=ProbeLimits(ttl=5.0)), owner, owner.emit)
    owner.full = True
    now = time.monotonic() + 6
    assert [faked.tick(now), faked.tick(now + 1)] == [probes.TICK, probes.TICK]
    owner.full = False
    assert faked.tick(now + 2) == probes.TICK
    assert owner.states == ["EXPIRED"]
    assert faked.tick(now + 3) is None


def test_a_link_that_is_gone_takes_its_probes_with_it(
    registry: Registry, owner: Owner, shapes: types.ModuleType, faults: types.ModuleType
) -> None:
    """And nobody else's, not on the same line either. Faults 9 and 12."""
    other = Owner()
    registry.arm(at("plain: return", limits=MANY), owner, owner.emit)
    registry.arm(at("plain: return", "q", limits=MANY), other, other.emit)
    registry.arm(catching("CardError", probe_id="r"), owner, owner.emit)
    registry.release(owner)
    shapes.plain(1)
    faults.checkout(1)
    assert (len(owner.hits), len(other.hits)) == (0, 1)
    assert [status.probe_id for status in registry.statuses()] == ["q"]
    registry.release(other)
    assert registry.tick(time.monotonic()) is None


def test_only_whose_owner_may_be_is_disarmed(registry: Registry, owner: Owner, shapes: types.ModuleType) -> None:
    """Who may is said by the caller; by default anybody's."""
    other = Owner()
    registry.arm(at("plain: return"), owner, owner.emit)
    assert registry.disarm(["p", "unknown"], lambda armed_by: armed_by is other) == []
    assert registry.disarm(["p", "unknown"], lambda armed_by: armed_by is owner) == ["p"]
    registry.arm(at("plain: return"), owner, owner.emit)
    assert registry.disarm(["p"]) == ["p"]


def test_a_hit_that_comes_after_disarming_is_not_delivered(
    faked: Registry, engine: FakeEngine, owner: Owner, shapes: Any
) -> None:
    """It was on its way in another thread."""
    faked.arm(at("plain: return"), owner, owner.emit)
    (point,) = engine.lines
    faked.release(owner)
    point.hit(sys._getframe())
    assert owner.events == []


def test_a_lost_tool_id_fails_all_probes_within_a_second(
    faked: Registry, engine: FakeEngine, owner: Owner, shapes: Any
) -> None:
    """Reported, never taken back. Fault 38."""
    faked.arm(at("plain: return"), owner, owner.emit)
    now = time.monotonic() + 2
    faked.tick(now)
    engine.ours = False
    faked.tick(now + 1)
    assert owner.states == ["FAILED"]
    assert "TOOL_ID_LOST" in faked.statuses()[0].reason


def test_an_owner_hears_that_all_probes_failed_when_another_ones_was_removed(
    faked: Registry, engine: FakeEngine, owner: Owner, shapes: Any
) -> None:
    """The engine was lost, and that showed when another link let go of its probe: nothing is armed any more then."""
    other = Owner()
    faked.arm(at("plain: return"), owner, owner.emit)
    faked.arm(at("plain: return", "q"), other, other.emit)
    engine.unavailable = "another tool took the tool id"
    faked.release(other)
    assert faked.tick(time.monotonic()) is not None
    assert owner.states == ["FAILED"]
    assert faked.tick(time.monotonic()) is None


def test_the_engines_word_on_a_probe_is_passed_on(
    faked: Registry, engine: FakeEngine, owner: Owner, shapes: Any
) -> None:
    """A note comes with the state, an error refuses what was asked."""
    assert faked.arm(at("plain: return"), owner, owner.emit).reason == "a note"
    engine.error = "the function is too large"
    with pytest.raises(EngineUnavailable, match="too large"):
        faked.arm(at("plain: return", "q"), owner, owner.emit)


def test_nothing_is_armed_where_the_engine_can_not_be_had(
    faked: Registry, engine: FakeEngine, owner: Owner, shapes: Any
) -> None:
    """Both tool ids are taken."""
    engine.unavailable = "in use by coverage and debugpy"
    with pytest.raises(EngineUnavailable, match="coverage"):
        faked.arm(at("plain: return"), owner, owner.emit)
    assert faked.statuses() == []


# The governor.


def test_a_probe_over_the_budget_is_shown_as_paused(
    faked: Registry, engine: FakeEngine, owner: Owner, shapes: Any
) -> None:
    """With the share that is looked at; its events are switched off and on again."""
    faked.arm(at("plain: return"), owner, owner.emit)
    account = faked._probes["p"].account
    account.captured(0.006, 0.006)
    account.meter.left = 0
    account.meter.spent(1e-6)
    faked.tick(time.monotonic())
    eventually(lambda: engine.paused == [("p", True), ("p", False)])
    faked.tick(time.monotonic())
    status = faked.statuses()[0]
    assert status.state == "PAUSED"
    assert "executions are looked at" in status.reason
    assert owner.states == ["PAUSED"]


@pytest.mark.since_python("3.12")
def test_the_hottest_line_may_be_probed(owner: Owner, shapes: types.ModuleType) -> None:
    """The governor's thread comes and goes; the loop's result is right all the while. Fault 63."""
    registry = Registry(Policy)
    registry.arm(at("looped: body", condition="number < 0", limits=MANY), owner, owner.emit)

    def governed() -> bool:
        assert shapes.looped(20_000) == 199_990_000
        return registry.statuses()[0].sampled_share < 1

    eventually(governed, registry)
    assert registry._governor.threads
    status = registry.statuses()[0]
    registry.release(owner)
    assert "PAUSED" in owner.states
    assert 0 < status.sampled_share < 1
    assert status.condition_false == status.reached > 0


# What is refused.


@pytest.mark.parametrize(
    ("policy", "spec"),
    [
        (Policy(enabled=False), ProbeSpec("p", "", function=(SHAPES, "plain"))),
        (Policy(forbidden_verbs=("snap",)), ProbeSpec("p", "", function=(SHAPES, "plain"))),
        (Policy(forbidden_verbs=("log",)), ProbeSpec("p", "", function=(SHAPES, "plain"), template="{x}")),
        (Policy(values="shape"), ProbeSpec("p", "", function=(SHAPES, "plain"), template="{x}")),
        (Policy(forbidden_verbs=("catch",)), catching("CardError")),
        (Policy(forbidden_modules=("shop_*",)), ProbeSpec("p", "", function=(SHAPES, "plain"))),
        (Policy(forbidden_modules=("shop_*",)), ProbeSpec("p", "", function=("*", "plain"))),
        (Policy(forbidden_modules=("shop_*",)), at("plain: return")),
        (Policy(forbidden_modules=("shop_*",)), catching("CardError")),
    ],
)
def test_the_owners_policy_is_heard_at_every_arming(
    owner: Owner, shapes: types.ModuleType, policy: Policy, spec: ProbeSpec
) -> None:
    """Whatever the client says. Fault 82."""
    with pytest.raises(Refused):
        Registry(lambda: policy).arm(spec, owner, owner.emit)


def test_limits_are_held_under_the_owners_caps(owner: Owner, shapes: types.ModuleType) -> None:
    """Hits and time."""
    registry = Registry(lambda: Policy(max_hits=2, max_ttl=30.0))
    status = registry.arm(at("plain: return", limits=MANY), owner, owner.emit)
    assert status.expires_in <= 30.0
    for _ in range(5):
        shapes.plain(1)
    registry.release(owner)
    assert len(owner.hits) == 2


@pytest.mark.parametrize(
    ("spec", "error"),
    [
        (at("plain: return", condition="a.b()"), ExpressionRejected),
        (at("plain: return", condition="password == 'x'"), RedactedName),
        (at("plain: return", expressions=("import os",)), ExpressionRejected),
        (at("with_blank: comment"), NoSuchPlace),
        (ProbeSpec("p", "", function=(SHAPES, "no_such")), NoSuchPlace),
        (ProbeSpec("p", "", line=("pyrometer/agent/probes.py", 90)), Refused),
    ],
)
def test_what_can_not_work_is_refused_when_it_is_armed(
    registry: Registry, owner: Owner, shapes: types.ModuleType, spec: ProbeSpec, error: type[LinkError]
) -> None:
    """With the reason, and nothing is left behind."""
    with pytest.raises(error):
        registry.arm(spec, owner, owner.emit)
    assert registry.statuses() == []
    assert not issubclass(error, AmbiguousPlace)


def test_an_id_is_armed_once(registry: Registry, owner: Owner, shapes: types.ModuleType) -> None:
    """It is how the probe is spoken of."""
    registry.arm(at("plain: return"), owner, owner.emit)
    with pytest.raises(BadRequest):
        registry.arm(at("plain: total"), owner, owner.emit)


def test_the_number_of_probes_is_bounded(
    faked: Registry, owner: Owner, shapes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too many at once are refused, the others stay. Faults 34 and 70."""
    monkeypatch.setattr(probes, "MAX_PROBES", 3)
    for number in range(3):
        faked.arm(at("plain: return", str(number)), owner, owner.emit)
    with pytest.raises(BudgetExceeded):
        faked.arm(at("plain: return", "3"), owner, owner.emit)
    faked.disarm(["1"])
    faked.arm(at("plain: return", "3"), owner, owner.emit)


def test_arming_without_end_is_held_back(
    faked: Registry, owner: Owner, shapes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The interpreter counts versions of its instrumentation, and the counter is finite. Fault 37."""
    monkeypatch.setattr(probes, "ARMS_A_SECOND", 0.0)
    for _ in range(probes.MAX_ARMS // 2):
        faked.arm(at("plain: return"), owner, owner.emit)
        faked.disarm(["p"])
    with pytest.raises(BudgetExceeded):
        faked.arm(at("plain: return"), owner, owner.emit)


def test_a_type_that_is_not_loaded_is_said_so(registry: Registry, owner: Owner, faults: types.ModuleType) -> None:
    """A misspelt name waits for ever otherwise."""
    assert "no exception type PaymentErorr" in registry.arm(catching("PaymentErorr"), owner, owner.emit).reason
    assert "no exception type" not in registry.arm(catching("CardError", probe_id="q"), owner, owner.emit).reason


# Processes.


def _run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(PROGRAMS / f"{program}.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)


def test_a_child_of_a_fork_has_no_probes_and_may_have_its_own() -> None:
    """Its parent's go on. Faults 16 and 19."""
    done = _run("forks", "50")
    assert (done.stdout, done.stderr) == ("lost 0 hits 1\n", "")


def test_a_process_ends_as_it_would_with_probes_armed() -> None:
    """Its own status, nothing on stderr, no fatal error. Fault 13."""
    for _ in range(5):
        done = _run("ending")
        assert (done.returncode, done.stdout, done.stderr) == (7, "ready\n", "")


def test_engines_are_chosen_by_version() -> None:
    """One interface."""
    assert engines.choose().name == ("monitoring" if sys.version_info >= (3, 12) else "bytecode")
