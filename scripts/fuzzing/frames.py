"""The link's frames: whatever bytes come, in whatever pieces, they are messages or a closed connection."""

from __future__ import annotations

import json
import sys
import time

import atheris

with atheris.instrument_imports(include=["pyrometer.link"]):
    from pyrometer.link.errors import LinkClosed, LinkError
    from pyrometer.link.framing import FrameReader, encode, is_shallow
    from pyrometer.link.model import Hello, ProbeCounters, ProbeLimits, ProbeSpec, error_from

_SHAPES = (Hello, ProbeSpec, ProbeCounters, ProbeLimits)
_READERS = (*[shape.from_wire for shape in _SHAPES], error_from)
_NAMES = sorted(
    {"id", "op", "ok", "error", "event", "seq", "message", "next", "reason"}.union(*[s._fields for s in _SHAPES])
)
_RIGHT: tuple[dict[str, object], ...] = (
    {},
    {"id": 1, "op": "ping"},
    {"link": 1, "pid": 7, "service": "s", "python": "3.11", "argv": ["a"], "threads": [1]},
    {"probe_id": "p", "where": "x", "line": ["a.py", 3], "limits": {"hits": 1, "ttl": 5.0}, "expressions": ["a"]},
    {"probe_id": "p", "where": "x", "exception": ["KeyError", "shop.*"], "condition": "x > 1", "lease": 2.5},
    {"probe_id": "p", "state": "ARMED", "reached": 3, "sampled_share": 0.5},
    {"hits": 1, "rate": 10, "ttl": 600.0, "frames": 5, "depth": 3, "items": 20, "length": 256},
    {"reason": "X", "message": "m", "next": "n"},
)
"""Messages as they should be, to be spoilt."""
_LIMIT, _DEPTH = 4096, 20
_SLOWEST = 0.5
"""Seconds of the processor that no stream takes."""


def test_one(data: bytes) -> None:
    """One stream, within its time."""
    began = time.thread_time()
    _stream(data)
    assert time.thread_time() - began < _SLOWEST, "too slow"


def _stream(data: bytes) -> None:
    """Bytes as they are, behind a length that is right, or a message made of what we know."""
    provider = atheris.FuzzedDataProvider(data)
    form, size = provider.ConsumeIntInRange(0, 2), provider.ConsumeIntInRange(1, 64)
    if form == 2:
        message = {**provider.PickValueInList([*_RIGHT]), **_object(provider, 0)}
        body = _framed(json.dumps(message).encode())
    else:
        body = provider.ConsumeBytes(len(data))
        body = _framed(body) if form else body
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    reader = FrameReader(lambda _: pieces.pop(0) if pieces else b"", limit=_LIMIT, depth=_DEPTH)
    try:
        while (message := reader.read()) is not None:
            _check(message)
    except LinkClosed:
        return
    assert not reader.mid_frame


def _framed(body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + body


def _object(provider: atheris.FuzzedDataProvider, depth: int) -> dict[str, object]:
    """An object of names that mean something."""
    count = provider.ConsumeIntInRange(0, 4)
    return {provider.PickValueInList(_NAMES): _value(provider, depth + 1) for _ in range(count)}


def _value(provider: atheris.FuzzedDataProvider, depth: int) -> object:
    kind = provider.ConsumeIntInRange(0, 8 if depth < _DEPTH + 2 else 5)
    if kind == 0:
        return provider.PickValueInList([None, True, False])
    if kind == 1:
        return provider.ConsumeInt(8)
    if kind == 2:
        return provider.ConsumeRegularFloat()
    if kind == 3:
        return provider.PickValueInList([float("inf"), float("nan"), 10**40, -1, 0, 1, 2**31, 1e308])
    if kind == 4:
        return provider.ConsumeUnicode(20)
    if kind == 5:
        return provider.PickValueInList(["x", "ARMED", "x" * 5000, ["a.py", 3], ["m", "f"], []])
    if kind == 6:
        return _object(provider, depth)
    return [_value(provider, depth + 1) for _ in range(provider.ConsumeIntInRange(0, 4))]


def _check(message: dict[str, object]) -> None:
    """A message is an object, no deeper than allowed, survives the wire, and is read as any shape or refused."""
    whole = encode(message)
    assert is_shallow(whole[4:], _DEPTH)
    parts = [whole]
    assert repr(FrameReader(lambda _: parts.pop() if parts else b"").read()) == repr(message)
    for read in _READERS:
        try:
            read(message)
        except LinkError:
            continue


if __name__ == "__main__":
    atheris.Setup(sys.argv, test_one)
    atheris.Fuzz()
