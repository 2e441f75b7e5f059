"""Fault 53: no byte of a secret is in what is sent, wherever the service keeps it and whatever it was asked for."""

from __future__ import annotations

import json
import time
import types
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.agent.places import line_of, loaded

from pyrometer.agent import values
from pyrometer.agent.probes import Registry
from pyrometer.guard.policy import Policy
from pyrometer.link.errors import LinkError
from pyrometer.link.framing import encode
from pyrometer.link.model import CallWatch, ProbeLimits, ProbeSpec

NAME = "shop_secretive"
SECRET = "Zq9hunterKJ"
"""Of no known shape: only its name can give it away."""
KNOWN = [
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    "AKIAIOSFODNN7EXAMPLE",
    "ghp_" + "a1" * 18,
    "xoxb-123456789012-abcdef",
    "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
    "4111 1111 1111 1111",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----",
]
"""Whose looks are enough."""


class Sent:
    """A registry, and the bytes of what it sends."""

    def __init__(self) -> None:
        self.registry = Registry(lambda: Policy(cpu_share=1.0))
        self.frames: list[bytes] = []

    def emit(self, event: dict[str, Any], weight: int) -> bool:
        self.frames.append(encode(event))
        return True

    def arm(self, **fields: Any) -> None:
        limits = ProbeLimits(hits=10_000, rate=1_000_000, frames=4, depth=6)
        self.registry.arm(ProbeSpec("p", "", limits=limits, **fields), self, self.emit)

    def hit(self, way: Callable[[], object]) -> None:
        """Go one way until it is hit: the governor may have switched the probe off for a moment."""
        before, deadline = len(self.hits), time.monotonic() + 30
        while len(self.hits) == before:
            assert time.monotonic() < deadline, "never hit"
            self.registry.tick(time.monotonic())
            way()

    @property
    def hits(self) -> list[bytes]:
        return [frame for frame in self.frames if b'"hit_id"' in frame]


@pytest.fixture
def secretive() -> Iterator[types.ModuleType]:
    with loaded("secretive", NAME) as module:
        yield module


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sent]:
    """Budgets of time are out of the way: the machine may be busy, and what was not read can't leak."""
    monkeypatch.setattr(values, "MAX_SECONDS", 60.0)
    monkeypatch.setattr(values, "MAX_WALL", 60.0)
    made = Sent()
    yield made
    made.registry.release(made)


def leaked(sent: Sent, secret: str) -> bool:
    return any(secret.encode() in frame or secret[:8].encode() in frame for frame in sent.frames)


def test_a_secret_with_a_name_stays_inside(sent: Sent, secretive: types.ModuleType) -> None:
    """Dictionaries, attributes, arguments, closures, headers, SQL, URLs, environments, JSON in JSON, exceptions."""
    sent.arm(line=("secretive.py", line_of("secretive", "stop")))
    ways = list(secretive.ways())
    for name, way in ways:
        sent.frames.clear()
        sent.hit(lambda way=way: way(SECRET))
        assert not leaked(sent, SECRET), f"{name}: {sent.hits}"
        assert b"redacted" in sent.hits[0], name
    assert len(ways) > 50


@pytest.mark.parametrize("secret", KNOWN)
def test_a_secret_of_a_known_shape_stays_inside(sent: Sent, secretive: types.ModuleType, secret: str) -> None:
    """The second line: under innocent names, as text, bytes, part of a text, and in an exception's message."""
    sent.arm(line=("secretive.py", line_of("secretive", "stop")))
    sent.hit(lambda: secretive.looking_like_one(secret))
    assert not leaked(sent, secret)


def test_exceptions_that_are_caught_tell_no_secret(sent: Sent, secretive: types.ModuleType) -> None:
    """Its message, its arguments, its cause's, and the variables of every frame."""
    sent.arm(exception=("Declined", NAME))
    for write in secretive.WRITTEN.values():
        text = write(SECRET)
        sent.hit(lambda text=text: secretive.by_exception(text, SECRET, ValueError(text)))
    assert not leaked(sent, SECRET)


@pytest.mark.parametrize("locals_too", [False, True])
def test_watched_calls_tell_no_secret(sent: Sent, secretive: types.ModuleType, *, locals_too: bool) -> None:
    """Arguments, what they return, and the variables at their end."""
    sent.arm(function=(NAME, "login"), watch=CallWatch(locals=locals_too))
    sent.hit(lambda: secretive.login("ann", SECRET, {"cookie": SECRET}))
    sent.hit(lambda: secretive.login("ann", password=SECRET, options=[("X-Api-Key", SECRET)]))
    assert not leaked(sent, SECRET)


@pytest.mark.parametrize(
    "asked",
    [
        *(
            "password",
            "password[:4]",
            "password.upper()",
            "f'{password}'",
            "[letter for letter in password]",
            "[password]",
        ),
        *("options['cookie']", "options.get('cookie')", "{'a': password}", "str(options)", "len(password)"),
        *("password + 'x'", "password * 2", "sorted(password)", "max(options.values())", "options"),
    ],
)
def test_what_is_asked_for_tells_no_secret(sent: Sent, secretive: types.ModuleType, asked: str) -> None:
    """Expressions and fields of log lines; refused when armed, or withheld."""
    for fields in ({"expressions": (asked,)}, {"template": f"is {{{asked}}}"}, {"template": f"password={{{asked}}}"}):
        try:
            sent.arm(line=("secretive.py", line_of("secretive", "login")), **fields)
        except LinkError:
            continue
        sent.hit(lambda: secretive.login("ann", SECRET, {"cookie": SECRET}))
        sent.registry.release(sent)
    assert not leaked(sent, SECRET)
    for frame in sent.hits:
        hit = json.loads(frame[4:])["hit"]
        assert f"{len(SECRET)}" not in json.dumps([hit["expressions"], hit.get("message")]), "its length"
