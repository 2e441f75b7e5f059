"""Some seconds of a service: looks at its stacks while its metrics are watched, both by one server."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from pyrometer.client import documents, metering
from pyrometer.client.errors import ClientError, NothingCaptured
from pyrometer.client.findings.observation import Observations
from pyrometer.client.options import Where
from pyrometer.client.session import Look, from_detail

_BETWEEN = 0.1
"""Seconds between the two looks of one dump."""
_EVERY = 0.4
"""Seconds from the beginning of one dump to the next."""
_ROUND, _OVERHEAD = 0.5, 0.03
"""Seconds of a round of metrics, and what it takes beyond its window."""
_SLACK = 0.7
"""Seconds beyond its own time after which what has not come is done without."""
_LEAST_LOOKS = 2
_ENOUGH = ("NOTHING_CAPTURED", "AGENT_BUSY")


class Observer:
    """Observes what a command line names, for `seconds`. `progress` is told how much of it is over, from 0 to 1."""

    def __init__(self, look: Look, where: Where, seconds: float, progress: Callable[[float], None]) -> None:
        self._look = look
        self._where = where
        self._seconds = seconds
        self._progress = progress
        self._looks: list[list[documents.Document]] = []
        self._rounds: list[list[documents.Document]] = []
        self._errors: dict[object, documents.Document] = {}
        self._failure: ClientError | None = None

    def observe(self) -> Observations:
        """Look again and again until the time is over. Raises ClientError: there was nothing to look at."""
        began = time.monotonic()
        watching = threading.Thread(target=self._watch, daemon=True, name="metrics")
        watching.start()
        took = 0.0
        while (at := time.monotonic() - began) + took <= self._seconds or len(self._looks) < _LEAST_LOOKS:
            if at > self._seconds:
                break
            self._progress(at / self._seconds)
            self._dump(began + self._seconds + _SLACK - time.monotonic())
            took = time.monotonic() - began - at
            time.sleep(max(0.0, min(max(_EVERY, 1.2 * took) - took, self._seconds - at - took)))
        watching.join(max(0.0, began + self._seconds + _SLACK - time.monotonic()))
        if not self._looks and not self._rounds:
            raise self._failure or NothingCaptured("nothing could be looked at in time")
        seconds = time.monotonic() - began
        return Observations(seconds, tuple(self._looks), tuple(self._rounds), list(self._errors.values()))

    def _dump(self, timeout: float) -> None:
        from pyrometer.v1 import stack_service_pb2 as messages

        request = messages.DumpStacksRequest(service=self._where.service, pids=self._where.pids)
        request.interval.FromMicroseconds(int(_BETWEEN * 1e6))
        found: list[documents.Document] = []
        try:
            for answer in self._look.call("DumpStacks", request, timeout=max(0.5, timeout)):
                if answer.HasField("error"):
                    self._note(documents.error(answer.error), from_detail(answer.error.error))
                else:
                    found.append(documents.stacks(answer.process))
        except ClientError as error:
            self._fail(error)
        if found:
            self._looks.append(sorted(found, key=lambda process: int(process["pid"])))

    def _watch(self) -> None:
        count = max(1, round(self._seconds / _ROUND))
        timeout = self._seconds + _SLACK
        try:
            interval = max(0.1, self._seconds / count - _OVERHEAD)
            for document in metering.rounds(self._look, self._where, interval, count, timeout=timeout):
                self._rounds.append(document["processes"])
                for error in document["errors"]:
                    self._note(error, None)
        except ClientError as error:
            if error.reason not in _ENOUGH:
                self._failure = self._failure or error

    def _note(self, error: documents.Document, failure: ClientError | None) -> None:
        """Keep why a process was not served; said once, however often it was asked."""
        self._errors.setdefault((error["pid"], error["reason"]), error)
        self._failure = self._failure or failure

    def _fail(self, error: ClientError) -> None:
        """A look that failed as a whole: the first one tells why nothing is there; later ones, that it went away."""
        if not self._looks and error.reason not in _ENOUGH:
            raise error
        self._failure = self._failure or error
