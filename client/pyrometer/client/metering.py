"""What processes use, from the command line: the rounds of a watch, as documents."""

from __future__ import annotations

from collections.abc import Iterator

from pyrometer.client import documents
from pyrometer.client.errors import ClientError, TargetGone
from pyrometer.client.options import Where
from pyrometer.client.session import Look, from_detail

_SLACK = 30.0
"""Seconds beyond its own time within which a watch must have ended."""


def rounds(
    look: Look, where: Where, interval: float, count: int, timeout: float | None = None
) -> Iterator[documents.Document]:
    """One document a round: `processes`, by pid, and `errors`. `timeout`: seconds after which the rest is not awaited.

    Raises:
        ClientError: nothing could be measured, and why.
    """
    from pyrometer.v1 import process_service_pb2 as messages

    request = messages.WatchMetricsRequest(service=where.service, pids=where.pids, rounds=count)
    request.interval.FromMicroseconds(int(interval * 1e6))
    found: documents.Document = _empty()
    failure: ClientError | None = None
    number, shown = 0, False
    for answer in look.call("WatchMetrics", request, timeout=timeout or interval * count + _SLACK):
        if answer.HasField("error"):
            failure = from_detail(answer.error.error)
            found["errors"].append(documents.error(answer.error))
            continue
        if answer.process.round != number and found["processes"]:
            yield _ordered(found)
            found, shown = _empty(), True
        number = answer.process.round
        found["processes"].append(documents.metrics(answer.process))
    if found["processes"]:
        yield _ordered(found)
    elif not shown:
        raise failure or TargetGone("the process was gone before it could be measured")


def _empty() -> documents.Document:
    return {"processes": [], "errors": []}


def _ordered(found: documents.Document) -> documents.Document:
    return {**found, "processes": sorted(found["processes"], key=lambda process: int(process["pid"]))}
