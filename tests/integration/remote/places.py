"""The places where the tests' service runs, and how one looks there."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.integration.remote.leftovers import children, marked
from tests.support.services import Typed, program, pyrometer


@dataclass(frozen=True)
class Place:
    """A service somewhere. `target` names it; `pid` is its pid there; what a look starts there carries `mark`."""

    target: str
    service: str
    pid: int
    mark: str
    environment: dict[str, str]
    options: tuple[str, ...] = field(default=())

    def type(self, verb: str, *arguments: str) -> Typed:
        """Type a verb against the service."""
        return pyrometer(verb, f"{self.target}/{self.service}", *self.options, *arguments, **self.environment)

    def document(self, verb: str, *arguments: str) -> dict[str, Any]:
        """Type a verb and return the JSON that it printed."""
        typed = self.type(verb, *arguments, "-o", "json")
        assert typed.code == 0, typed.err
        return dict(json.loads(typed.out))

    def started(self) -> set[int]:
        """List the processes there that are not the service."""
        return marked(self.mark) - self.belongings()

    def belongings(self) -> set[int]:
        """List the marked processes that were there before any look."""
        return set()


@contextlib.contextmanager
def held_look(place: Place) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Keep a look open in a process of its own; yield that process and the pid of its carrier."""
    python = place.options[1:2]
    with program("looking", f"{place.target}/{place.service}", *python, environment=place.environment) as looking:
        (carrier,) = children(looking.pid)
        yield looking, carrier
