"""A probe from the command line: armed, watched, shown, and gone with the command."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from pyrometer.client import documents
from pyrometer.client.errors import ClientError, NothingCaptured, TargetGone
from pyrometer.client.glimpses import glimpse
from pyrometer.client.options import Where, typed_command
from pyrometer.client.quantities import brief, typed
from pyrometer.client.render.calls import CallText
from pyrometer.client.render.failures import few
from pyrometer.client.render.hits import text_of
from pyrometer.client.render.snapshot import verdict_text
from pyrometer.client.render.terminal import Style, colours, cut, escape, width
from pyrometer.client.session import open_look
from pyrometer.client.snapshots.gathering import Gathering
from pyrometer.v1 import probe_pb2
from pyrometer.v1 import probe_service_pb2 as messages

_QUIET = (probe_pb2.PROBE_STATE_DONE, probe_pb2.PROBE_STATE_EXPIRED)
"""States of one process that its probe's end says all about."""
_IN_PLACE = (probe_pb2.PROBE_STATE_ARMED, probe_pb2.PROBE_STATE_PAUSED)


def limits(hits: int, seconds: float, frames: int | None) -> probe_pb2.ProbeLimits:
    """The limits that the options give."""
    message = probe_pb2.ProbeLimits(hits=hits, frames=frames or 0)
    message.ttl.FromMicroseconds(int(seconds * 1e6))
    return message


def watch(verb: str, where: Where, probe: probe_pb2.Probe, output: str, out: Path | None = None) -> int:
    """Arm a probe and show what it delivers until it is over; `out`: a file that keeps it too.

    Raises:
        ClientError: it was refused, nothing came, or all processes are gone.
    """
    shown = _Lines(verb, probe) if output == "jsonl" else _Text(verb, probe)
    notes: dict[int, str] = {}
    with Gathering(verb, typed_command(), where.service, out) as kept:
        summary = _follow(where, probe, shown, kept, notes)
    if summary.delivered:
        return 0
    glimpsed = glimpse(where, probe, summary) if output == "table" and not summary.errors else ""
    raise _nothing(summary, probe, _said_by_all(notes), glimpsed)


def _follow(
    where: Where, probe: probe_pb2.Probe, shown: _Lines | _Text, kept: Gathering, notes: dict[int, str]
) -> messages.ProbeSummary:
    """Show and keep what comes, to the end; `notes`: takes what each process says while the probe is armed."""
    request = messages.OpenProbeRequest(service=where.service, pids=where.pids, probe=probe)
    summary: messages.ProbeSummary | None = None
    try:
        with open_look(where) as look:
            for message in look.call("OpenProbe", request):
                if message.HasField("summary"):
                    summary = message.summary
                else:
                    shown.take(message)
                    _note_reason(message.event, notes)
                for document in _documents(message, probe.limits.hits):
                    kept.take(document)
    except KeyboardInterrupt:
        shown.interrupted()
        raise
    if summary is None:
        raise TargetGone("the server ended before the probe did")
    shown.end(summary)
    return summary


def _note_reason(event: probe_pb2.ProbeEvent, notes: dict[int, str]) -> None:
    """Keep what each process says of the probe while it is armed: by its end they say that its time is over."""
    if event.state.state in (probe_pb2.PROBE_STATE_PENDING, probe_pb2.PROBE_STATE_ARMED):
        notes[event.pid] = event.state.reason


def _said_by_all(notes: dict[int, str]) -> str:
    """What every process said: what one alone says is no reason for all of them."""
    parts = [note.split("; ") for note in notes.values()]
    return "; ".join(part for part in (parts[0] if parts else []) if part and all(part in each for each in parts))


def _nothing(summary: messages.ProbeSummary, probe: probe_pb2.Probe, notes: str, glimpsed: str) -> ClientError:
    """The error of a probe that delivered nothing.

    Args:
        notes: what all processes said while it was armed.
        glimpsed: what the condition's names held the next time.
    """
    gone = [error for error in summary.errors if error.error.reason == "TARGET_GONE"]
    if gone and summary.state == probe_pb2.PROBE_STATE_FAILED:
        return TargetGone("all processes ended while the probe was armed")
    failed = [status.reason for status in summary.statuses if status.state == probe_pb2.PROBE_STATE_FAILED]
    if failed:
        return NothingCaptured(
            f"the probe ended: {failed[0]}", next="mend it; --expr, without --if, shows the values of its parts"
        )
    why, remedy = why_nothing(
        list(summary.statuses),
        raised=probe.HasField("exception"),
        notes=notes,
        shown_by="in the template" if probe.template else "--expr",
        calls=probe.HasField("watch"),
        unhandled=probe.unhandled,
    )
    seen = f"; the next time {glimpsed}" if glimpsed else ""
    return NothingCaptured(f"nothing came in {_time_to_live(probe)}: {why}{seen}", next=remedy)


def why_nothing(
    statuses: Sequence[probe_pb2.ProbeStatus],
    *,
    raised: bool,
    notes: str = "",
    shown_by: str = "--expr",
    calls: bool = False,
    unhandled: bool = False,
) -> tuple[str, str]:
    """Why a probe has not fired, from its counters, and what to do.

    Args:
        raised: its place is an exception.
        notes: what all processes said of it while it was armed.
        shown_by: where the values of expressions are asked for.
        calls: what it counts are calls that ended.
        unhandled: of exceptions, those that are handled are none of its.
    """
    reached = sum(status.reached for status in statuses)
    if not reached:
        where = statuses[0].where if statuses else "the place"
        if open_calls := sum(status.open_calls for status in statuses):
            return _open_calls(statuses, open_calls)
        words = f"no {where} was raised" if raised else f"{where} was not reached"
        remedy = "--for a longer time, or take a place that is reached more often"
        return (f"{words} ({notes})", f"check the names; or {remedy}") if notes else (words, remedy)
    errors = sum(status.errors for status in statuses)
    text = f"{'raised' if raised else 'reached'} {_times(reached)}"
    if calls:
        text = "a call ended" if reached == 1 else f"{reached:,} calls ended"
    if errors:
        last = next((status.last_error for status in statuses if status.last_error), "")
        return f"{text}, and the condition could not be evaluated {_times(errors)}: {last}", "mend the condition"
    remedy = "without --unhandled those that were handled are shown" if raised else "--for a longer time"
    if unhandled and any(status.handled or status.undecided for status in statuses):
        return f"{text}, {_handled(statuses)}", "the same without --unhandled shows those too"
    if any(status.condition for status in statuses):
        text += ", and the condition was never true"
        remedy = f"show the condition's parts instead: {shown_by}, without --if"
    if skipped := sum(status.rate_limited + status.dropped for status in statuses):
        text += f"; {skipped:,} hits were kept back"
    share = min(status.sampled_share for status in statuses)
    if share < 1:
        text += f"; the governor let {100 * share:.0f} % of them be looked at"
    return text, remedy


def _open_calls(statuses: Sequence[probe_pb2.ProbeStatus], number: int) -> tuple[str, str]:
    """Why no call was seen to end, and what to do: some have begun."""
    oldest = max(status.oldest_open_call.ToMicroseconds() for status in statuses) / 1e6
    calls = "a call has begun and not ended" if number == 1 else f"{number:,} calls have begun and none has ended"
    return f"{calls}, the first {brief(oldest)} ago", "--for a longer time; dump shows where they are"


def _handled(statuses: Sequence[probe_pb2.ProbeStatus]) -> str:
    """What became of exceptions, none of which was nobody's: what follows how often there were any."""
    handled, undecided = sum(status.handled for status in statuses), sum(status.undecided for status in statuses)
    matched = handled + undecided + sum(status.matched for status in statuses)
    among = "and each was" if matched == sum(status.reached for status in statuses) else f"and {matched:,} of them were"
    if undecided:
        among = f"and {handled:,} of them {'was' if handled == 1 else 'were'}"
    parts = [f"{among} handled{_last_handler(statuses)}"]
    if undecided:
        parts.append(f"of {undecided:,} nobody can know")
    return "; ".join(parts)


def _last_handler(statuses: Sequence[probe_pb2.ProbeStatus]) -> str:
    """Who handled one of them, in words that follow "handled"."""
    why = next((status.last_handled for status in statuses if status.last_handled), "")
    return f", the last one {why}" if why else ""


def progress_line(probe: probe_pb2.Probe, statuses: Sequence[probe_pb2.ProbeStatus], *, asked: int) -> str:
    """What a probe has done so far in all processes together, while somebody waits; `asked`: how many those are."""
    armed = sum(status.state in _IN_PLACE for status in statuses)
    parts = [f"{armed} of {asked} armed", f"{_verb(probe)} {sum(status.reached for status in statuses):,}"]
    if probe.condition:
        parts.append(f"false {sum(status.condition_false for status in statuses):,}")
    if open_calls := sum(status.open_calls for status in statuses):
        parts.append(f"open {open_calls:,}")
    if handled := sum(status.handled for status in statuses):
        parts.append(f"handled {handled:,}")
    if errors := sum(status.errors for status in statuses):
        parts.append(f"errors {errors:,}")
    share = min(status.sampled_share for status in statuses)
    if share < 1:
        parts.append(f"{100 * share:.0f} % looked at")
    parts.append(f"cost {100 * sum(status.cpu_share for status in statuses):.2f} % of a core")
    return "   ".join(parts)


def _verb(probe: probe_pb2.Probe) -> str:
    return "raised" if probe.HasField("exception") else "ended" if probe.HasField("watch") else "reached"


def left_out(summary: messages.ProbeSummary) -> Iterator[str]:
    """What there was between the hits that were delivered: who reads them must not take them for all."""
    kept = sum(status.rate_limited for status in summary.statuses)
    lost = sum(status.dropped for status in summary.statuses)
    if kept:
        yield f"not all: {kept:,} more came while there were 10 a second and process, and were kept back"
    if lost:
        yield f"not all: {lost:,} more were lost, since they came faster than they could be sent"
    share = min((status.sampled_share for status in summary.statuses), default=1.0)
    if share < 0.995:
        yield f"not all: the governor let {100 * share:.0f} % of what was reached be looked at"


def _time_to_live(probe: probe_pb2.Probe) -> str:
    return typed(probe.limits.ttl.ToMicroseconds() / 1e6)


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


class _Lines:
    """Events as lines of JSON."""

    def __init__(self, verb: str, probe: probe_pb2.Probe) -> None:
        self._verb = verb
        self._wanted = probe.limits.hits

    def take(self, message: messages.OpenProbeResponse) -> None:
        """Print one event."""
        documents.print_lines(self._verb, _documents(message, self._wanted))

    def interrupted(self) -> None:
        """Say nothing: the exit code does."""

    def end(self, summary: messages.ProbeSummary) -> None:
        """Print the last line: all processes together."""
        documents.print_lines(self._verb, [_last_document(summary, self._wanted)])


def _documents(message: messages.OpenProbeResponse, wanted: int) -> Iterator[documents.Document]:
    """The events in a message of the stream; progress is for people only."""
    if message.HasField("summary"):
        yield _last_document(message.summary, wanted)
    elif message.HasField("event"):
        yield from _event_documents(message.event)


def _last_document(summary: messages.ProbeSummary, wanted: int) -> documents.Document:
    """All processes together, when it is over."""
    ids = [status.probe_id for status in summary.statuses]
    return {
        "event": documents.enum(summary, "state", "PROBE_STATE_") or "failed",
        "probe_id": ids[0] if ids else "",
        "pid": None,
        "reason": f"{summary.delivered} of {wanted} delivered",
        "delivered": summary.delivered,
        "surplus": summary.surplus,
        "errors": [documents.error(error) for error in summary.errors],
    }


def _event_documents(event: probe_pb2.ProbeEvent) -> Iterator[documents.Document]:
    if event.HasField("hit"):
        yield documents.hit(event)
    elif event.HasField("verdict"):
        yield documents.verdict(event)
    elif event.HasField("state"):
        status = documents.status(event.state)
        head = {"event": status["state"].lower(), "probe_id": status["probe_id"], "pid": event.pid}
        yield {**head, "reason": status["reason"], "status": status}
    elif event.HasField("error"):
        yield {"event": "failed", "probe_id": event.probe_id, "pid": event.pid, "reason": event.error.message}


class _Text:
    """Events as text: hits on stdout, the rest on stderr, with a live line where that is a terminal.

    What processes say while it is armed is held back until all have, and then said once, whoever said it.
    """

    def __init__(self, verb: str, probe: probe_pb2.Probe) -> None:
        self._probe = probe
        self._text = text_of(verb, Style(enabled=colours()), width())
        self._live = sys.stderr.isatty()
        self._began = time.monotonic()
        self._states: dict[int, probe_pb2.ProbeState.ValueType] = {}
        self._failed: set[int] = set()
        self._notes: dict[str, list[int]] = {}
        self._told: set[str] = set()
        self._delivered = 0
        self._awaiting: dict[tuple[int, str], documents.Document] = {}
        """Hits that were shown before it was known what became of their exceptions."""
        self._announced = False

    def take(self, message: messages.OpenProbeResponse) -> None:
        """Show one message."""
        if message.HasField("progress"):
            self._announce()
            self._progress(list(message.progress.statuses))
        elif message.event.HasField("hit"):
            self._announce()
            self._hit(message.event)
        elif message.event.HasField("verdict"):
            self._verdict(message.event)
        elif message.event.HasField("state"):
            self._state(message.event.pid, message.event.state)
        elif message.event.HasField("error"):
            self._failed.add(message.event.pid)
            self._note(message.event.pid, message.event.error.message)

    def interrupted(self) -> None:
        """Say that nothing is left."""
        self._clear()
        self._say(f"interrupted: {self._delivered} of {self._probe.limits.hits} delivered, removed")

    def end(self, summary: messages.ProbeSummary) -> None:
        """Say how it ended."""
        self._announce()
        self._clear()
        for line in self._text.closing() if isinstance(self._text, CallText) else ():
            self._say(line)
        surplus = f", {summary.surplus:,} more discarded" if summary.surplus else ""
        processes = len(summary.statuses)
        where = f"{processes} process" if processes == 1 else f"{processes} processes"
        self._say(f"{summary.delivered} of {self._probe.limits.hits} delivered{surplus}, removed from {where}")
        for line in left_out(summary) if summary.delivered else ():
            self._say(line)

    def _state(self, pid: int, status: probe_pb2.ProbeStatus) -> None:
        new = pid not in self._states
        self._states[pid] = status.state
        if status.state in _QUIET:
            return
        if self._announced and new:
            self._say(f"{pid} has started, and is armed too")
        if status.reason:
            self._note(pid, status.reason)

    def _note(self, pid: int, text: str) -> None:
        """Keep what a process says; once the probe is armed, say what has not been said yet."""
        if not self._announced:
            self._notes.setdefault(text, []).append(pid)
        elif text not in self._told:
            self._told.add(text)
            self._say(f"{pid}: {text}")

    def _announce(self) -> None:
        if self._announced:
            return
        self._announced = True
        armed = sum(state != probe_pb2.PROBE_STATE_PENDING for state in self._states.values())
        asked = len(self._states.keys() | self._failed)
        processes = "process" if asked == 1 else "processes"
        self._say(f"armed on {armed} of {asked} {processes} for {_time_to_live(self._probe)}; ctrl-C removes it")
        for text, pids in self._notes.items():
            self._told.add(text)
            everywhere = len(pids) == asked and asked > 1
            self._say(text if everywhere else f"{few(pids)}: {text}")

    def _hit(self, event: probe_pb2.ProbeEvent) -> None:
        self._clear()
        if self._delivered and self._text.spaced:
            click.echo("")
        self._delivered += 1
        hit = documents.hit(event)
        if hit["exception"] and hit["exception"]["handled"] is None:
            self._awaiting[event.pid, event.hit.hit_id] = hit
        for line in self._text.lines(hit):
            click.echo(line)

    def _verdict(self, event: probe_pb2.ProbeEvent) -> None:
        hit = self._awaiting.pop((event.pid, event.verdict.hit_id), None)
        if hit is not None:
            self._clear()
            click.echo(verdict_text(hit, documents.verdict(event)))

    def _progress(self, statuses: list[probe_pb2.ProbeStatus]) -> None:
        if not self._live or not statuses:
            return
        line = progress_line(self._probe, statuses, asked=len(self._states.keys() | self._failed))
        if self._probe.limits.hits > 1:
            line += f"   {self._delivered} of {self._probe.limits.hits} came"
        line = f"» {line}   {time.monotonic() - self._began:.0f} s"
        room = width(sys.stderr) - 1
        sys.stderr.write(f"\r\x1b[K{cut(line if len(line) <= room else line.replace('   ', '  '), room)}")
        sys.stderr.flush()

    def _clear(self) -> None:
        if self._live:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def _say(self, text: str) -> None:
        self._clear()
        click.echo(f"» {escape(text)}", err=True)
