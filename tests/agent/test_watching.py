"""Calls that are watched: what is told of each, on every engine."""

from __future__ import annotations

import sys
import threading
import types
from typing import Any

import pytest
from tests.agent.watchers import MANY, Clock, Watcher, arguments, content

from pyrometer.agent import budget, placing
from pyrometer.agent.engines import following
from pyrometer.guard.policy import Policy
from pyrometer.link.errors import BadRequest, NoSuchPlace, RedactedName, Refused
from pyrometer.link.model import CallWatch, ProbeSpec


def test_a_call_is_told_when_it_ends(watcher: Watcher, timed: Any) -> None:
    """With what it was given, what it returned, and how long it took; the frame without values unless asked."""
    status = watcher.arm("query")
    assert (status.state, status.open_calls) == ("ARMED", 0)
    timed.query("select", 2, "more", tax=1)
    (hit,) = watcher.hits
    assert arguments(hit) == {"sql": "select", "limit": 2, "more": ["more"], "options": "dict"}
    assert (content(hit["returned"]), hit["exception"]) == (["select", "select"], None)
    assert (hit["elapsed"], hit["suspended"]) == (2.0, None)
    assert [(frame["function"], frame["locals"]) for frame in hit["frames"]] == [("query", None)]
    assert hit["left_out"] > 0
    assert (watcher.status.reached, watcher.status.matched) == (1, 1)


def test_an_exception_that_leaves_the_call_is_its_end(watcher: Watcher, timed: Any) -> None:
    """One that is handled inside is not."""
    watcher.arm("fails")
    watcher.arm("handles", probe_id="q")
    assert timed.handles(5) == "handled"
    left, handled = watcher.hits
    assert (left["exception"]["type"], left["exception"]["message"]) == ("LookupError", "5")
    assert (left["returned"], left["elapsed"]) == (None, 1.0)
    assert (handled["exception"], content(handled["returned"]), handled["elapsed"]) == (None, "handled", 4.0)
    line = timed.fails.__code__.co_firstlineno + 2
    assert left["frames"][0]["line"] == line


def test_recursion_is_timed_call_by_call(watcher: Watcher, timed: Any) -> None:
    """Each has its own frame; the innermost ends first."""
    watcher.arm("fib")
    assert timed.fib(3) == 2
    assert [(arguments(hit)["n"], hit["elapsed"]) for hit in watcher.hits] == [
        (1, 1.0),
        (0, 1.0),
        (2, 3.0),
        (1, 1.0),
        (3, 5.0),
    ]


def test_threads_do_not_mix(watcher: Watcher, timed: Any, clock: Clock) -> None:
    """Two calls that overlap are timed each by itself."""
    begun, go_on = threading.Event(), threading.Event()

    def spend(seconds: float) -> None:
        if threading.current_thread() is other:
            begun.set()
            go_on.wait(30)
        clock.spend(seconds)

    timed.spend = spend
    watcher.arm("query")
    other = threading.Thread(target=timed.query, args=("other", 0))
    other.start()
    assert begun.wait(30)
    assert watcher.status.open_calls == 1
    timed.query("own", 0)
    go_on.set()
    other.join(30)
    assert [(arguments(hit)["sql"], hit["elapsed"]) for hit in watcher.hits] == [("own", 2.0), ("other", 4.0)]
    assert watcher.hits[1]["thread"] == other.name


def test_every_return_is_seen(watcher: Watcher, timed: Any) -> None:
    """Also one that a jump leads to."""
    watcher.arm("either")
    assert [timed.either(0, 3), timed.either(4, 3)] == [3, 4]
    assert [content(hit["returned"]) for hit in watcher.hits] == [3, 4]


def test_a_pattern_names_functions_methods_and_lambdas(watcher: Watcher, timed: Any) -> None:
    """Bodies of classes and comprehensions are no calls."""
    watcher.arm("*")
    cart = timed.Cart([1, 2])
    assert (cart.count, cart.total(tax=3), timed.triple(4)) == (2, 6, 12)
    assert [hit["frames"][0]["function"] for hit in watcher.hits] == [
        "Cart.__init__",
        "Cart.count",
        "Cart.total",
        "<lambda>",
    ]
    assert arguments(watcher.hits[2])["tax"] == 3
    with pytest.raises(NoSuchPlace, match="no function"):
        watcher.arm("Cart", probe_id="q")


def test_an_argument_that_was_assigned_anew_is_not_made_up(watcher: Watcher, timed: Any) -> None:
    """By the function itself or by one inside it. What it was given is not kept: that would keep objects alive."""
    watcher.arm("re*ed")
    watcher.arm("rebound", probe_id="q")
    assert (timed.reassigned(1, 2), timed.rebound(1)) == (2, 0)
    assert arguments(watcher.hits[0]) == {"given": "the function has assigned it anew", "kept": 2}
    assert arguments(watcher.hits_of("q")[-1]) == {"given": "the function has assigned it anew"}


# What has begun and not ended.


def test_calls_that_have_not_ended_are_counted(watcher: Watcher, timed: Any) -> None:
    """And how long the first of them is open."""
    watcher.arm("numbers")
    generators = [timed.numbers(3) for _ in range(3)]
    for generator in generators:
        next(generator)
    status = watcher.status
    assert (status.reached, status.open_calls) == (0, 3)
    assert status.oldest_open_call != 0
    list(generators.pop())
    assert watcher.status.open_calls == 2


def test_what_began_before_it_was_armed_is_not_timed(watcher: Watcher, timed: Any) -> None:
    """And its end is nobody's."""
    generator = timed.numbers(3)
    next(generator)
    note = watcher.arm("numbers").reason
    assert "before" in note or "already run" in note
    assert list(generator) == [1, 2]
    assert (watcher.hits, watcher.status.open_calls, watcher.status.reached) == ([], 0, 0)


def test_a_call_that_is_open_when_the_probe_goes_is_left_alone(watcher: Watcher, timed: Any) -> None:
    """Its end is as ever."""
    watcher.arm("numbers")
    generator = timed.numbers(2)
    next(generator)
    watcher.registry.disarm(["p"])
    assert list(generator) == [1]
    assert watcher.hits == []


def test_a_place_that_is_looked_up_anew_tells_each_call_once(watcher: Watcher, timed: Any) -> None:
    """Once it is armed, its code is found as it runs and as it was: the same calls, and those that are open stay so."""
    watcher.arm("*")
    generator = timed.numbers(1)
    next(generator)
    registry: Any = watcher.registry
    probe = registry._probes["p"]
    found = placing.resolve(probe.spec, Policy(), everywhere=False)
    with registry._lock:
        registry._move(probe, found._replace(codes=[*found.codes, *probe.codes]))
    assert watcher.status.open_calls == 1
    timed.double(2)
    list(generator)
    assert [hit["frames"][0]["function"] for hit in watcher.hits] == ["double", "numbers"]


# Conditions and expressions.


@pytest.mark.parametrize(
    ("condition", "codes", "errors"),
    [
        ("elapsed > 1", [1, 2, 3], 0),
        ("elapsed > 4", [], 0),
        ("ret == 'handled' and code == 2", [2], 0),
        ("exc is None", [1, 2, 3], 0),
        ("nothing == 1", [], 3),
    ],
)
def test_a_condition_is_asked_at_the_end(
    watcher: Watcher, timed: Any, condition: str, codes: list[int], errors: int
) -> None:
    """Over the function's names, and `ret`, `exc` and `elapsed`."""
    timed.handles.__code__ = timed.handles.__code__.replace()
    watcher.arm("handles", condition)
    for code in (1, 2, 3):
        timed.handles(code)
    assert [arguments(hit)["code"] for hit in watcher.hits] == codes
    status = watcher.status
    assert (status.reached, status.errors, status.matched) == (3, errors, len(codes))
    assert status.condition_false == 3 - errors - len(codes)


@pytest.mark.parametrize(
    ("condition", "hits"), [("ret == 4", 1), ("exc.args[0] == 7", 1), ("ret == 4 or exc.args[0] == 7", 1)]
)
def test_what_a_call_has_not_is_false_and_no_error(watcher: Watcher, timed: Any, condition: str, hits: int) -> None:
    """One that raised returned nothing, one that returned raised nothing."""
    watcher.arm("*", condition)
    timed.double(2)
    with pytest.raises(LookupError):
        timed.fails(7)
    assert (len(watcher.hits), watcher.status.errors) == (hits, 0)


def test_expressions_have_the_same_names(watcher: Watcher, timed: Any) -> None:
    """What has no value says so."""
    watcher.arm("*", expressions=("ret", "exc", "elapsed", "value", "code"))
    timed.double(2)
    with pytest.raises(LookupError):
        timed.fails(7)
    returned, raised = [{text: content(value) for text, value in hit["expressions"]} for hit in watcher.hits]
    assert (returned["ret"], returned["exc"], returned["elapsed"], returned["value"]) == (4, "none", "0.0", 2)
    assert raised["ret"] == "an exception left the call: it returned nothing"
    assert (raised["code"], raised["value"]) == (7, "value has no value here")


def test_variables_and_callers_are_shown_where_asked(watcher: Watcher, timed: Any) -> None:
    """As they are at the end."""
    watcher.arm("fails", limits=MANY._replace(frames=2), watch=CallWatch(locals=True))
    timed.handles(5)
    (hit,) = watcher.hits
    assert [frame["function"] for frame in hit["frames"]] == ["fails", "handles"]
    assert [[name for name, _ in frame["locals"]] for frame in hit["frames"]] == [["code"], ["code"]]


# Secrets and policies.


def test_secrets_are_withheld_in_what_goes_in_and_out(watcher: Watcher, timed: Any) -> None:
    """By the parameter's name, and what a function returns by its own."""
    watcher.arm("*", expressions=("ret", "len(ret)"))
    timed.get_password("ann")
    timed.login("ann", "correct horse")
    got, login = watcher.hits
    assert (got["returned"]["kind"], got["returned"]["why"]) == ("redacted", "name")
    assert {value["kind"] for _, value in got["expressions"]} == {"unreadable"}
    assert dict(login["arguments"])["password"]["kind"] == "redacted"
    assert "correct" not in str(watcher.hits)


def test_a_condition_does_not_tell_what_is_withheld(watcher: Watcher, timed: Any) -> None:
    """A name is refused; what a function of a secret's name returns has no value in it."""
    with pytest.raises(RedactedName):
        watcher.arm("login", "password == 'x'")
    watcher.arm("get_password", "ret == 'correct horse' or True")
    timed.get_password("ann")
    assert (watcher.hits, watcher.status.errors) == ([], 1)


@pytest.mark.parametrize(
    ("policy", "condition"),
    [
        (Policy(forbidden_verbs=("watch",)), ""),
        (Policy(forbidden_modules=("shop_*",)), ""),
        (Policy(values="shape"), "ret == 4"),
    ],
)
def test_the_owner_may_forbid_it(timed: Any, policy: Policy, condition: str) -> None:
    """The verb, the module, content."""
    watcher = Watcher(policy)
    with pytest.raises(Refused):
        watcher.arm("double", condition)


def test_shapes_go_with_a_condition_on_time(timed: Any) -> None:
    """How long a call took tells no content."""
    watcher = Watcher(Policy(values="shape", cpu_share=1.0))
    watcher.arm("query", "elapsed > 1")
    timed.query("select")
    (hit,) = watcher.hits
    assert "value" not in dict(hit["arguments"])["sql"]
    watcher.registry.disarm(["p"])


def test_only_calls_of_functions_are_watched() -> None:
    """A line has none."""
    wire = ProbeSpec("p", "x", line=("a.py", 1), watch=CallWatch()).to_wire()
    with pytest.raises(BadRequest, match="calls of a function"):
        ProbeSpec.from_wire({**wire, "line": ["a.py", 1], "expressions": []})


# Beside others.


def test_two_watches_and_a_line_share_a_function(watcher: Watcher, timed: Any) -> None:
    """Each has its own; one goes, the others stay."""
    line = timed.query.__code__.co_firstlineno + 1
    watcher.arm("query", probe_id="one")
    watcher.arm("query", "limit == 1", probe_id="two")
    watcher.arm("query", probe_id="three", function=None, line=("timed.py", line), watch=None)
    timed.query("a", 1)
    timed.query("b", 2)
    assert [len(watcher.hits_of(probe_id)) for probe_id in ("one", "two", "three")] == [2, 1, 2]
    watcher.registry.disarm(["one"])
    timed.query("c", 1)
    assert [len(watcher.hits_of(probe_id)) for probe_id in ("one", "two", "three")] == [2, 2, 3]
    assert watcher.hits_of("two")[-1]["elapsed"] == 2.0


def test_a_signal_in_a_hit_goes_to_the_service(watcher: Watcher, timed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if it had come a line earlier. Fault 31."""

    def interrupt(*_: object) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(watcher, "emit", interrupt)
    watcher.arm("double")
    with pytest.raises(KeyboardInterrupt):
        timed.double(2)
    monkeypatch.undo()
    assert watcher.status.open_calls == 0


def test_the_recursion_limit_is_the_services_own(watcher: Watcher, timed: Any) -> None:
    """Whatever happens there is a RecursionError of the service's, and the watch goes on."""
    depth = sys.getrecursionlimit()
    watcher.arm("fib", "n < 0")
    with pytest.raises(RecursionError):
        timed.fib(depth + 100)
    watcher.registry.disarm(["p"])
    watcher.arm("double")
    assert timed.double(2) == 4
    assert len(watcher.hits) == 1


# The governor.


def test_over_the_budget_open_calls_are_followed_to_their_ends(
    watcher: Watcher, timed: Any, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Calls that begin meanwhile are not looked at; once there is budget again they are."""
    paused: list[object] = []
    monkeypatch.setattr(budget.Governor, "ask", lambda self, account: paused.append(account))
    watcher.arm("numbers")
    registry: Any = watcher.registry
    account = registry._probes["p"].account
    generator = timed.numbers(1)
    next(generator)
    account.meter.give(1)
    clock.spend(10)
    list(timed.numbers(0))  # its begin uses the allowance up
    assert paused == [account]
    assert account.meter.left == 0
    list(timed.numbers(0))
    list(generator)
    assert [hit["suspended"] for hit in watcher.hits] == [None, 12.0]
    list(timed.numbers(0))
    assert (len(watcher.hits), watcher.status.open_calls) == (2, 0)
    account.meter.give(1000)
    registry._pause("p", paused=False)
    list(timed.numbers(0))
    assert len(watcher.hits) == 3


def test_open_calls_are_given_up_where_following_them_is_dear(
    watcher: Watcher, timed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a hot function would cost as if nothing governed it, for as long as one call of it is open."""
    owed: list[int] = []
    monkeypatch.setattr(following, "MAX_TRAIL", 2048)
    monkeypatch.setattr(budget.Governor, "ask", lambda self, account: None)
    monkeypatch.setattr(budget.Account, "owe", lambda self, events: owed.append(events))
    watcher.arm("numbers")
    registry: Any = watcher.registry
    generator = timed.numbers(1)
    next(generator)
    registry._probes["p"].account.meter.give(1)
    for _ in range(3000):
        list(timed.numbers(0))
    assert watcher.status.open_calls == 0
    assert 1 <= sum(owed) / 1024 <= 3
    list(generator)
    assert [content(hit["returned"]) for hit in watcher.hits] in ([], ["all"])


def test_a_hit_that_is_dropped_is_tried_again(timed: Any) -> None:
    """A slow reader loses hits, not the probe."""
    watcher = Watcher()
    watcher.arm("double", limits=MANY._replace(hits=1))
    watcher.emit = lambda event, weight: False  # type: ignore[method-assign]
    probe: Any = watcher.registry
    probe._probes["p"].emit = watcher.emit
    timed.double(1)
    assert (watcher.status.dropped, watcher.status.state) == (1, "ARMED")
    watcher.registry.disarm(["p"])


def test_nothing_is_kept_of_a_call(watcher: Watcher, timed: Any) -> None:
    """Neither its frame, nor its arguments, nor its exception, once it has ended. Fault 36."""
    import weakref

    class Held:
        pass

    watcher.arm("*")
    held = Held()
    gone = weakref.ref(held)
    timed.either(held, None)
    del held
    assert gone() is None
    assert isinstance(timed.query, types.FunctionType)
