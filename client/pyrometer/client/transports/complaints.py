"""What carriers say when they fail: made safe to print, kept whole as far as it is bounded, and sorted by cause.

ssh, docker and kubectl have no error codes that tell a wrong name from a refused identity, so their text is matched;
here, in tables, and nowhere else. What no table knows is passed on as it is.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from pyrometer.client.errors import ClientError, TargetGone
from pyrometer.client.transports import StartFailure
from pyrometer.client.transports.launcher import NO_INTERPRETER, tried_interpreters

LIMIT = 4000
"""Characters of a carrier's message that are passed on."""

_UNPRINTABLE = re.compile(r"[^\x20-\x7e\n\t\u00a0-\u200a\u2010-\u2027\u2030-\u205f\u2070-\ud7ff\uf900-\ufffc]")


class Cause(NamedTuple):
    """One cause of failure: a pattern of the carrier's text, the error that it means, and the next step."""

    pattern: str
    error: type[ClientError]
    reason: str
    next: str


def printable(text: str, limit: int = LIMIT) -> str:
    """Escape what a terminal would obey, and cut the middle out of what is too long."""
    text = text.replace("\r\n", "\n").strip()
    if len(text) > limit:
        text = f"{text[: limit // 2]}\n… {len(text) - limit} characters left out …\n{text[-limit // 2 :]}"
    return _UNPRINTABLE.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def said(failure: StartFailure) -> str:
    """Tell what the carrier printed, on stderr and before the magic line."""
    stderr = printable(failure.stderr)
    noise = printable(failure.noise.decode("utf-8", "replace"))
    if stderr and noise:
        return f"{stderr}\n(and on its output: {noise})"
    return stderr or noise


def find_cause(failure: StartFailure, causes: tuple[Cause, ...]) -> Cause | None:
    """Find the first cause whose pattern is in what the carrier printed."""
    text = failure.stderr[-65536:]
    return next((cause for cause in causes if re.search(cause.pattern, text, re.IGNORECASE)), None)


def explain(carrier: str, where: str, failure: StartFailure, causes: tuple[Cause, ...]) -> ClientError:
    """Turn a failure into an error; `carrier` is the program, `where` the place as the user knows it."""
    tried = tried_interpreters(failure.stderr) if failure.returncode == NO_INTERPRETER else None
    if tried is not None:
        return no_interpreter(where, tried)
    if failure.started:
        return TargetGone(
            _sentence(f"{carrier} lost {where} while we looked", failure),
            next="Look again: the server ended, or heard nothing of us for seconds, so busy is the machine or the way.",
        )
    cause = find_cause(failure, causes)
    if cause is not None:
        message = _sentence(f"{carrier} did not get through to {where}", failure)
        return cause.error(message, next=cause.next, reason=cause.reason)
    return _unknown(carrier, where, failure)


def no_interpreter(where: str, tried: list[tuple[str, str]]) -> ClientError:
    """No interpreter over there can run the server."""
    names = "; ".join(f"{printable(python, 200)}: {printable(why, 200)}" for python, why in tried)
    return ClientError(
        f"No Python with pyrometer was found in {where}. {f'Tried {names}' if names else 'There is none on its PATH.'}",
        next="Install pyrometer in the service's environment there, or name the interpreter: --server-python PATH",
        reason="NO_INTERPRETER",
    )


def _unknown(carrier: str, where: str, failure: StartFailure) -> ClientError:
    if failure.timed_out:
        return ClientError(
            _sentence(f"{carrier} brought no answer from {where} in time", failure),
            next=f"Type the same {carrier} command yourself to see whether it waits for something.",
            reason="START_TIMED_OUT",
        )
    ended = f"ended with status {failure.returncode}" if failure.returncode is not None else "closed its output"
    return ClientError(
        _sentence(f"{carrier} {ended} before the server in {where} answered", failure),
        next="--server-python PATH names an interpreter that has pyrometer",
        reason="CARRIER_FAILED",
    )


def _sentence(what: str, failure: StartFailure) -> str:
    text = said(failure)
    return f"{what}: {text}" if text else f"{what}."
