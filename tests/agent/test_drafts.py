from __future__ import annotations

import json
import sys
import weakref
from typing import Any

import pytest

from pyrometer.agent import frames, values
from pyrometer.agent.drafts import Draft
from pyrometer.agent.values import Capture
from pyrometer.guard.redaction import Redactor
from pyrometer.link.framing import encode
from pyrometer.link.model import ProbeLimits

LIMITS = ProbeLimits()


@pytest.fixture(autouse=True)
def _prepared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Budgets of time are out of the way: the machine may be busy."""
    frames.prepare()
    monkeypatch.setattr(values, "MAX_SECONDS", 60.0)
    monkeypatch.setattr(values, "MAX_WALL", 60.0)


def sent(draft: Draft) -> Any:
    return json.loads(encode({"it": draft})[4:])["it"]


def drafted() -> tuple[Draft, list[list[Any]]]:
    """The variables of a frame, as a hit takes them and as `dump` does."""

    def service(password: str, order: dict[str, Any], big: list[Any]) -> tuple[Draft, list[list[Any]]]:
        token, note, number, nothing = b"abc", "postgres://u:p@db/x", 4111111111111111, None
        pair, unset = ("Authorization", "x"), 1
        long, octets, flag, rate = "x" * 1000, bytearray(b"key=1"), True, 1.5
        del unset
        assert [token, note, number, nothing, pair, long, octets, flag, rate, password, order, big]
        return Capture(LIMITS, Redactor()).draft_locals(sys._getframe()), Capture(LIMITS, Redactor()).locals(
            sys._getframe()
        )

    return service("hunter2", {"pin": 1234, "holder": "Ann", 5: {"cvc": 1}}, [[1, "ghp_" + "a1" * 20], {"secret": [1]}])


def test_a_draft_is_sent_as_what_it_was_read_from() -> None:
    """Whatever the way, the same values are shown and the same are withheld."""
    draft, copied = drafted()
    shown = sent(draft)
    assert shown == json.loads(json.dumps(copied))
    text = json.dumps(shown)
    for secret in ("hunter2", "1234", "abc", "u:p@", "4111", "ghp_", '"cvc"], {"type": "int", "kind": "int"'):
        assert secret not in text
    found = dict(shown)
    assert [found[name]["kind"] for name in ("password", "token", "note", "number", "nothing", "unset")] == [
        *("redacted", "redacted", "redacted", "redacted", "none", "unset")
    ]
    assert found["pair"]["items"][1]["kind"] == "redacted"
    assert {key["value"]: node for key, node in found["order"]["entries"]}["pin"]["kind"] == "redacted"
    assert (found["long"]["size"], found["long"]["why"]) == (1000, "length")


def test_what_is_not_described_can_not_leave() -> None:
    """Scalars of a draft are as the service has them: a way out that forgets to describe them must fail."""
    draft, _ = drafted()
    with pytest.raises(TypeError):
        json.dumps({"it": draft})


def test_a_draft_keeps_nothing_of_the_services_alive() -> None:
    """Fault 52: it may wait for a slow reader for seconds."""

    class Thing:
        def __init__(self) -> None:
            self.name = "thing"

    thing = Thing()
    things = [thing, {"it": thing}, (thing, "Text")]
    gone = weakref.ref(thing)
    draft = Capture(LIMITS, Redactor()).draft(things)
    del thing, things
    assert gone() is None
    assert sent(draft)["items"][0]["fields"][0][1]["value"] == "thing"


def test_describing_is_paid_for() -> None:
    """What a hit costs later, it costs the service too: the governor is told."""
    paid: list[float] = []
    draft = Capture(LIMITS, Redactor(), pay=paid.append).draft(["text"])
    assert paid == []
    sent(draft)
    assert len(paid) == 1
    assert paid[0] >= 0


def test_a_message_is_cleaned_when_it_is_sent() -> None:
    """And cut, so that a secret across the cut is not shown in part."""
    message = Capture(LIMITS, Redactor()).draft_message(ValueError("token=abc " + "x" * 5000))
    text = json.loads(encode({"it": message})[4:])["it"]
    assert text.startswith("token=<redacted: name> x")
    assert len(text) == 1000
