"""Frames: what is malformed costs its sender the connection, and us no memory."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pyrometer.link.errors import LinkClosed
from pyrometer.link.framing import FrameReader, encode, is_shallow


def receiver(*chunks: bytes) -> Callable[[int], bytes]:
    left = list(chunks)
    return lambda _size: left.pop(0) if left else b""


def test_a_message_survives_any_cut_of_the_stream() -> None:
    """Bytes may come one by one."""
    data = encode({"id": 1, "op": "ping", "text": "é\ud800"})
    reader = FrameReader(receiver(*(bytes([byte]) for byte in data)))
    assert reader.read() == {"id": 1, "op": "ping", "text": "é\ud800"}
    assert reader.read() is None


def test_two_messages_in_one_piece_are_two() -> None:
    """A reader keeps what it has read too much."""
    reader = FrameReader(receiver(encode({"id": 1}) + encode({"id": 2})))
    assert [reader.read(), reader.read()] == [{"id": 1}, {"id": 2}]


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xff\xff\xff" + b"x" * 100,
        b"\x00\x00\x00\x03abc",
        b"\x00\x00\x00\x02[]",
        b"\x00\x00\x00\x02\xff\xfe",
        b"\x00\x00\x9c\x40" + b"[" * 40_000,
        b"\x00\x00\x00\x09{}",
        b"\x00\x00",
    ],
    ids=["4 GiB", "not JSON", "no object", "no UTF-8", "nested 40,000 deep", "cut body", "cut header"],
)
def test_what_is_not_a_frame_closes_the_connection(data: bytes) -> None:
    """Fault 71."""
    with pytest.raises(LinkClosed):
        FrameReader(receiver(data)).read()


def test_a_time_out_in_the_middle_loses_nothing() -> None:
    """Fault 77: the next call goes on where the last one stopped."""
    data = encode({"id": 7})
    pieces: list[bytes | Exception] = [data[:3], TimeoutError(), data[3:]]

    def receive(_size: int) -> bytes:
        piece = pieces.pop(0)
        if isinstance(piece, Exception):
            raise piece
        return piece

    reader = FrameReader(receive)
    with pytest.raises(TimeoutError):
        reader.read()
    assert reader.mid_frame
    assert reader.read() == {"id": 7}


@pytest.mark.parametrize(
    ("body", "shallow"),
    [
        (b'{"a":[' + b"[]," * 99 + b"{}]}", True),
        (b'{"a":"' + b"[" * 99 + b'"}', True),
        (rb'{"a":"\"' + b"[" * 99 + rb'\\"}', True),
        (b"[" * 65 + b"]" * 65, False),
        (rb'{"a":"\\",' + b'"b":' + b'{"c":' * 65 + b"1" + b"}" * 66, False),
        (b"]" * 99 + b"[" * 99, False),
    ],
    ids=["wide", "in a text", "behind escapes", "lists", "objects after an escape", "unmatched"],
)
def test_depth_is_told_without_a_stack(body: bytes, *, shallow: bool) -> None:
    """A service's threads may have small stacks, which `json` does not know of."""
    assert is_shallow(body, 64) is shallow


def test_a_deep_frame_closes_the_connection() -> None:
    """Where a depth was asked for."""
    body = b'{"a":' + b"[" * 64 + b"]" * 64 + b"}"
    with pytest.raises(LinkClosed, match="nests deeper than 64"):
        FrameReader(receiver(len(body).to_bytes(4, "big") + body), depth=64).read()
