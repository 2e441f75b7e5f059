"""The places where the tests' service runs, and what is started there."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from typing import Any, NamedTuple

from tests.integration.remote.leftovers import children, marked
from tests.support.services import Typed, program, pyrometer


class Place(NamedTuple):
    """A service somewhere. `target` names it; `pid` is its pid there; what runs there carries `mark`."""

    target: str
    pid: int
    mark: str
    before: frozenset[int]
    interpreter: tuple[str, ...] = ()

    def type(self, verb: str, *arguments: str) -> Typed:
        """Type a verb against the service."""
        python = ("--server-python", *self.interpreter) if self.interpreter else ()
        return pyrometer(verb, self.target, *python, *arguments)

    def document(self, verb: str, *arguments: str) -> Any:
        """Type a verb and return the JSON that it printed."""
        typed = self.type(verb, *arguments, "-o", "json")
        assert typed.code == 0, typed.err
        return typed.document

    def started(self) -> set[int]:
        """List what runs there beside what was there before any look."""
        return marked(self.mark) - self.before


@contextlib.contextmanager
def held_look(place: Place) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Keep a look open in a process of its own; yield that process and the pid of its carrier."""
    with program("looking", place.target, *place.interpreter) as looking:
        (carrier,) = children(looking.pid)
        yield looking, carrier
