"""A probe from the command line: armed, watched, shown, and gone with the command."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import click

from pyrometer.client import documents
from pyrometer.client.errors import NothingCaptured, TargetGone
from pyrometer.client.options import Where
from pyrometer.client.render.snapshot import SnapshotText
from pyrometer.client.render.terminal import Style, colours, escape, width
from pyrometer.client.session import open_look
from pyrometer.v1 import probe_pb2
from pyrometer.v1 import probe_service_pb2 as messages

DEFAULT_TIME = 60.0


def limits(hits: int, seconds: float, frames: int | None) -> probe_pb2.ProbeLimits:
    """The limits that the options give."""
    message = probe_pb2.ProbeLimits(hits=hits, frames=frames or 0)
    message.ttl.FromMicroseconds(int(seconds * 1e6))
    return message


def watch(verb: str, where: Where, probe: probe_pb2.Probe, output: str) -> int:
    """Arm a probe and show what it delivers until it is over.

    Raises:
        ClientError: it was refused, nothing came, or all processes are gone.
    """
    request = messages.OpenProbeRequest(service=where.service, pids=where.pids, probe=probe)
    shown = _Lines(verb) if output == "jsonl" else _Text(probe)
    summary: messages.ProbeSummary | None = None
    with open_look(where) as look:
        for message in look.call("OpenProbe", request):
            if message.HasField("summary"):
                summary = message.summary
            else:
                shown.take(message)
    if summary is None:
        raise TargetGone("the server ended before the probe did")
    shown.end(summary)
    return _outcome(summary)


def _outcome(summary: messages.ProbeSummary) -> int:
    if summary.delivered:
        return 0
    gone = [error for error in summary.errors if error.error.reason == "TARGET_GONE"]
    if gone and summary.state == probe_pb2.PROBE_STATE_FAILED:
        raise TargetGone("all processes ended while the probe was armed")
    failed = [status.reason for status in summary.statuses if status.state == probe_pb2.PROBE_STATE_FAILED]
    if failed:
        raise NothingCaptured(f"the probe ended: {failed[0]}")
    if summary.errors and summary.state == probe_pb2.PROBE_STATE_FAILED:
        raise NothingCaptured(summary.errors[0].error.message)
    raise NothingCaptured(why_nothing(list(summary.statuses)), next=_next(list(summary.statuses)))


def why_nothing(statuses: list[probe_pb2.ProbeStatus]) -> str:
    """Why a probe has not fired, from its counters."""
    reached = sum(status.reached for status in statuses)
    false = sum(status.condition_false for status in statuses)
    errors = sum(status.errors for status in statuses)
    if not reached and any(status.state == probe_pb2.PROBE_STATE_PENDING for status in statuses):
        return f"nothing came: {next(s.reason for s in statuses if s.state == probe_pb2.PROBE_STATE_PENDING)}"
    if not reached:
        return "nothing came: the place was not reached once"
    text = f"nothing came: reached {reached:,} times, condition false {false:,} times"
    if errors:
        last = next((status.last_error for status in statuses if status.last_error), "")
        text += f", {errors:,} errors, the last: {last}"
    return text


def _next(statuses: list[probe_pb2.ProbeStatus]) -> str:
    if any(status.condition_false for status in statuses):
        return "take the condition away, or show its parts: --expr"
    return "--for TIME waits longer"


class _Lines:
    """Events as lines of JSON."""

    def __init__(self, verb: str) -> None:
        self._verb = verb

    def take(self, message: messages.OpenProbeResponse) -> None:
        """Print one event; progress is for people only."""
        if message.HasField("event"):
            documents.print_lines(self._verb, _event_documents(message.event))

    def end(self, summary: messages.ProbeSummary) -> None:
        """Print the last line: all processes together."""
        state = documents.enum(probe_pb2.ProbeState, summary.state, "PROBE_STATE_") or "failed"
        ids = [status.probe_id for status in summary.statuses]
        last = {
            "event": state,
            "probe_id": ids[0] if ids else "",
            "pid": None,
            "reason": f"{summary.delivered} delivered",
            "delivered": summary.delivered,
            "surplus": summary.surplus,
            "errors": [documents.error(error) for error in summary.errors],
        }
        documents.print_lines(self._verb, [last])


def _event_documents(event: probe_pb2.ProbeEvent) -> Iterator[documents.Document]:
    if event.HasField("hit"):
        yield documents.hit(event)
    elif event.HasField("state"):
        status = documents.status(event.state)
        head = {"event": status["state"].lower(), "probe_id": status["probe_id"], "pid": event.pid}
        yield {**head, "reason": status["reason"], "status": status}
    elif event.HasField("error"):
        yield {"event": "failed", "probe_id": event.probe_id, "pid": event.pid, "reason": event.error.message}


class _Text:
    """Events as text: hits on stdout, the rest on stderr, with a live line where that is a terminal."""

    def __init__(self, probe: probe_pb2.Probe) -> None:
        self._probe = probe
        self._text = SnapshotText(Style(enabled=colours()), width())
        self._live = sys.stderr.isatty()
        self._states: dict[int, str] = {}
        self._delivered = 0
        self._announced = False

    def take(self, message: messages.OpenProbeResponse) -> None:
        """Show one message."""
        if message.HasField("progress"):
            self._announce()
            self._progress(list(message.progress.statuses))
        elif message.event.HasField("hit"):
            self._announce()
            self._hit(message.event)
        elif message.event.HasField("state"):
            self._states[message.event.pid] = documents.status(message.event.state)["state"]
            if message.event.state.reason and message.event.state.state != probe_pb2.PROBE_STATE_DONE:
                self._say(f"{message.event.pid}: {message.event.state.reason}")
        elif message.event.HasField("error"):
            self._say(f"{message.event.pid}: {message.event.error.message}")

    def end(self, summary: messages.ProbeSummary) -> None:
        """Say how it ended."""
        self._clear()
        wanted = self._probe.limits.hits
        surplus = f", {summary.surplus} more discarded" if summary.surplus else ""
        processes = len(summary.statuses)
        where = f"{processes} process" if processes == 1 else f"{processes} processes"
        self._say(f"{summary.delivered} of {wanted} delivered{surplus}, removed from {where}")

    def _announce(self) -> None:
        if self._announced:
            return
        self._announced = True
        armed = sum(state != "PENDING" for state in self._states.values())
        seconds = self._probe.limits.ttl.ToMicroseconds() / 1e6
        self._say(f"armed on {armed} of {len(self._states)} processes for {seconds:g} s; ctrl-C removes it")

    def _hit(self, event: probe_pb2.ProbeEvent) -> None:
        self._clear()
        if self._delivered:
            click.echo("")
        self._delivered += 1
        for line in self._text.lines(documents.hit(event)):
            click.echo(line)

    def _progress(self, statuses: list[Any]) -> None:
        if not self._live or not statuses:
            return
        reached = sum(status.reached for status in statuses)
        false = sum(status.condition_false for status in statuses)
        cost = sum(status.cpu_share for status in statuses)
        line = f"» reached {reached:,}   condition false {false:,}   cost {100 * cost:.2f} % of a core"
        sys.stderr.write(f"\r\x1b[K{line[: width(sys.stderr) - 1]}")
        sys.stderr.flush()

    def _clear(self) -> None:
        if self._live:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def _say(self, text: str) -> None:
        self._clear()
        click.echo(f"» {escape(text)}", err=True)
