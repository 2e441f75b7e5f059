"""Whose probes they are: a link that takes events, or drops them."""

from __future__ import annotations

import json
from typing import Any

from pyrometer.link.framing import encode


def as_sent(event: dict[str, Any]) -> dict[str, Any]:
    """An event as the other end reads it."""
    sent: dict[str, Any] = json.loads(encode(event)[4:])
    return sent


class Owner:
    """A link: takes events, or drops them."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.full = False

    def emit(self, event: dict[str, Any], weight: int) -> bool:
        assert weight > 0
        if self.full:
            return False
        self.events.append(event)
        return True

    @property
    def hits(self) -> list[dict[str, Any]]:
        """As they are sent; a part that is described then is described once."""
        for index, event in enumerate(self.events):
            self.events[index] = as_sent(event)
        return [event["hit"] for event in self.events if event["event"] == "hit"]

    @property
    def states(self) -> list[str]:
        return [event["status"]["state"] for event in self.events if event["event"] == "state"]


def local(hit: dict[str, Any], name: str, frame: int = 0) -> Any:
    """A variable of a frame of a hit."""
    return dict(hit["frames"][frame]["locals"])[name]
