"""How a target program is talked to: it says `ready`, takes a command a line, and answers each with a line of JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping


def say(text: str) -> None:
    """Print a line."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def serve(commands: Mapping[str, Callable[..., object]]) -> None:
    """Answer until stdin ends; a command's words are given to its function as texts."""
    say("ready")
    for line in sys.stdin:
        name, *words = line.split()
        say(json.dumps(commands[name](*words)))
