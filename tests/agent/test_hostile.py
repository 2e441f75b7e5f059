from __future__ import annotations

import json
from typing import Any

import pytest
from tests.agent import hostile

from pyrometer.agent import frames
from pyrometer.agent.attributes import mro
from pyrometer.agent.values import Capture
from pyrometer.guard.redaction import Redactor
from pyrometer.link.model import ProbeLimits

NAMES = sorted(hostile.instances())


def _capture(obj: object, *, shape: bool) -> dict[str, Any]:
    taken = Capture(ProbeLimits(), Redactor(), shape=shape)
    node = taken.value(["first", obj, {"key": obj}])
    if any(base is BaseException for base in mro(type(obj))):
        taken.draft_message(obj).to_wire()  # type: ignore[arg-type]
    return node


def test_there_are_enough_of_them() -> None:
    """Section 10: 0 calls over at least a hundred hostile classes."""
    assert len(NAMES) >= 100


@pytest.mark.parametrize("shape", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_none_of_its_code_is_run(name: str, *, shape: bool) -> None:
    """Faults 41, 42, 49 and 51: capturing a value calls nothing of the service's, whatever its class defines."""
    frames.prepare()
    obj = hostile.instances()[name]
    hostile.CALLS.clear()
    node = _capture(obj, shape=shape)
    calls = list(hostile.CALLS)
    assert calls == []
    assert json.dumps(node)
    assert "hunter2" not in json.dumps(node)


def test_the_traps_work() -> None:
    """A test of traps that never spring proves nothing."""
    made = hostile.instances()
    hostile.CALLS.clear()
    for name in ("object with traps", "list with traps", "__repr__ alone"):
        with pytest.raises(hostile.Sprung):
            repr(made[name])
    assert len(hostile.CALLS) == 3
    hostile.CALLS.clear()
