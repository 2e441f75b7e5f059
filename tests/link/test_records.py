"""NamedTuple without `typing`: what a body says is what the tuple has."""

from __future__ import annotations

import pickle
import subprocess
import sys

from pyrometer.link.records import NamedTuple


class Point(NamedTuple):
    """Where."""

    x: int
    y: int = 2

    @property
    def sum(self) -> int:
        """Both."""
        return self.x + self.y


def test_fields_defaults_and_methods_are_those_of_the_body() -> None:
    """The same as typing's: a tuple by position and by name, with its docstring and its module."""
    assert Point(1) == (1, 2) == Point(y=2, x=1)
    assert Point._fields == ("x", "y")
    assert Point._field_defaults == {"y": 2}
    assert (Point(1).sum, Point.__doc__, Point.__module__) == (3, "Where.", __name__)
    assert repr(Point(1)._replace(x=5)) == "Point(x=5, y=2)"
    assert pickle.loads(pickle.dumps(Point(1))) == Point(1)
    assert not hasattr(Point(1), "__dict__")


def test_the_agent_starts_without_typing() -> None:
    """It is 0.7 MB in a service that has no use for it."""
    program = "import sys; had = set(sys.modules); import pyrometer.agent as a; a.start(strict=True)"
    told = "print('ready', 'typing' in set(sys.modules) - had)"
    done = subprocess.run([sys.executable, "-c", f"{program}; {told}"], capture_output=True, text=True, check=True)
    assert done.stdout == "ready False\n"
