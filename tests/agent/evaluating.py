"""Expressions evaluated over values that are given, and objects to read in them."""

from __future__ import annotations

import enum
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, NamedTuple

from pyrometer.agent.expressions import EvaluationError, compile_expression
from pyrometer.guard.redaction import Redactor

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N"


class Order:
    limit = 5

    def __init__(self) -> None:
        self.total = 1249.5
        self.items = [3, 1, 2]
        self.status = "open"
        self.customer = SimpleNamespace(email="ann@example.org", country="NL", address=None)
        self.options = {"gift": True, 7: "seven", "path": "/a"}
        self._net = 1000
        self.password = "hunter2"
        self.note = JWT

    @property
    def net(self) -> int:
        raise AssertionError("a property was run")

    def count(self) -> int:
        raise AssertionError("a method was run")


class Slots:
    __slots__ = ("amount", "unset")

    def __init__(self) -> None:
        self.amount = 5


class Level(enum.IntEnum):
    LOW = 1


class Color(enum.StrEnum):
    RED = "red"


class OddMeta(type):
    def __instancecheck__(cls, instance: object) -> bool:
        raise AssertionError("__instancecheck__ was run")


class Odd(metaclass=OddMeta):
    pass


class Account(NamedTuple):
    user: str
    password: str


class Point(NamedTuple):
    x: int
    token: str


def lookup_in(values: dict[str, Any]) -> Callable[[str], object]:
    def lookup(name: str) -> object:
        if name not in values:
            raise EvaluationError(f"{name} has no value here")
        return values[name]

    return lookup


def evaluate(text: str, **values: Any) -> object:
    return compile_expression(text, Redactor()).evaluate(lookup_in(values))


def holds(text: str, **values: Any) -> bool:
    return compile_expression(text, Redactor(), condition=True).test(lookup_in(values))
