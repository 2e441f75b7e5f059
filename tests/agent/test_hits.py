"""What a hit brings: frames, values, expressions, the exception."""

from __future__ import annotations

import json
import threading
import types

import pytest
from tests.agent.owners import Owner, local
from tests.agent.places import FAULTS, SHAPES, line_of
from tests.agent.specs import MANY, at, catching

from pyrometer.agent.probes import Registry
from pyrometer.guard.policy import Policy
from pyrometer.link.framing import encode
from pyrometer.link.model import ProbeLimits, ProbeSpec

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
