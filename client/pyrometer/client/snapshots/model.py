"""A snapshot: what a probe delivered, and which command had asked for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pyrometer.client.errors import ClientError

Document = dict[str, Any]

MAX_BYTES = 64 * 2**20
"""Of all events of a snapshot, as JSON."""


class NotASnapshot(ClientError, ValueError):
    """A file holds no snapshot, or a broken one."""

    reason = "NOT_A_SNAPSHOT"


@dataclass(frozen=True)
class Snapshot:
    """Events of one probe, as `-o jsonl` prints them, in their order."""

    verb: str
    command: str
    """What was typed; empty: not known."""
    service: str
    events: tuple[Document, ...]
    left_out: int = 0
    """Hits that were delivered and not kept, for their size."""

    @property
    def hits(self) -> list[Document]:
        """What came, each with the verdict on its exception, if one came later."""
        verdicts = {(event["pid"], event["hit_id"]): event for event in self.events if event["event"] == "verdict"}
        return [_judged(event, verdicts) for event in self.events if event["event"] == "hit"]

    @property
    def statuses(self) -> Iterator[Document]:
        """What the processes said of the probe."""
        return (event["status"] for event in self.events if event.get("status"))

    @property
    def where(self) -> str:
        """The place, as it was typed; empty: nobody said."""
        return next((status["where"] for status in self.statuses), "")

    @property
    def condition(self) -> str:
        """When it was to fire; empty: always, or nobody said."""
        return next((status["condition"] for status in self.statuses if status["condition"]), "")

    def document(self) -> Document:
        """The whole as one JSON document."""
        return {
            "schema": "pyrometer.snapshot/v1",
            "verb": self.verb,
            "command": self.command or None,
            "service": self.service or None,
            "left_out": self.left_out,
            "events": self.lines(),
        }

    def lines(self) -> list[Document]:
        """The events, each as a document of its own."""
        return [{"schema": f"pyrometer.{self.verb}/v1", **event} for event in self.events]


def _judged(hit: Document, verdicts: dict[tuple[int, str], Document]) -> Document:
    verdict, raised = verdicts.get((hit["pid"], hit["hit_id"])), hit["exception"]
    if verdict is None or raised is None:
        return hit
    return {**hit, "exception": {**raised, "handled": verdict["handled"], "handled_why": verdict["handled_why"]}}
