"""What a link may ask: one method an operation, each answering with plain data.

The policy's `enabled` and its forbidden verbs are looked up at each request that reads values or arms something, so
that an owner who says stop is heard at once.
"""

from __future__ import annotations

from pyrometer.agent.sources import Sources
from pyrometer.agent.stacks import capture
from pyrometer.link.errors import BadRequest, UnknownOperation
from pyrometer.link.model import OPERATIONS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Container
    from typing import Any

_MAX_LINES = 20_000


class Requests:
    """Answers the requests of one link."""

    def __init__(self, own_threads: Callable[[], Container[int]], clean: Callable[[str], str]) -> None:
        self._own_threads = own_threads
        self._clean = clean
        self._sources = Sources()

    def handle(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer one request. Raises LinkError for what can't be done."""
        operation = request.get("op")
        if not isinstance(operation, str):
            raise BadRequest("a request needs an operation")
        method = getattr(self, f"_{operation}", None) if operation in OPERATIONS else None
        if method is None:
            raise UnknownOperation(f"this agent does not know the operation {operation[:40]!r}")
        answer: dict[str, Any] = method(request)
        return answer

    def _ping(self, request: dict[str, Any]) -> dict[str, Any]:
        return {}

    def _dump(self, request: dict[str, Any]) -> dict[str, Any]:
        answer = capture(self._own_threads())
        self._sources.name(code[1] for code in answer["codes"])
        return answer

    def _source(self, request: dict[str, Any]) -> dict[str, Any]:
        """Lines of source text: `lines` is a list of [file, line, lines before, lines after]."""
        asked = request.get("lines")
        if not isinstance(asked, list) or len(asked) > _MAX_LINES:
            raise BadRequest("source needs a list of at most 20,000 places")
        return {"lines": [self._around(place) for place in asked]}

    def _around(self, place: Any) -> list[list[object]] | None:
        shape = (str, int, int, int)
        if not (isinstance(place, list) and [type(part) for part in place] == list(shape)):
            raise BadRequest("a place is [file, line, lines before, lines after]")
        file, line, before, after = place
        lines = self._sources.around(file, line, min(before, 50), min(after, 50))
        return lines and [[number, self._clean(str(text))] for number, text in lines]
