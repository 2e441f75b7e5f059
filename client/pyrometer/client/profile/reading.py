"""Profiles from files: which format one has is told by what it holds, never by what it is called."""

from __future__ import annotations

import zlib
from collections.abc import Callable

from pyrometer.client import pages
from pyrometer.client.profile import collapsed, model, pprof, speedscope
from pyrometer.client.profile.model import NotAProfile, Profile

Reader = Callable[[bytes], Profile]

_GZIP = b"\x1f\x8b"
_HEAD = 4096


def read(data: bytes) -> Profile:
    """Read pprof, speedscope's format, collapsed stacks or one of our pages; gzipped or not.

    Raises:
        NotAProfile: it is none of these, broken, without a sample, or larger than `model.MAX_BYTES`.
    """
    kind = "profile"
    try:
        data = _unpacked(data)
        kind, reader = _reader_of(data)
        return reader(data)
    except NotAProfile:
        raise
    except (zlib.error, LookupError, TypeError, AttributeError, ValueError, OverflowError, RecursionError) as error:
        raise NotAProfile(f"this is not a {kind}, or it is broken") from error


def _reader_of(data: bytes) -> tuple[str, Reader]:
    if pages.is_page(data):
        from pyrometer.client.profile import flamegraph

        if not pages.is_ours(data):
            raise NotAProfile("this is a page, and none that pyrometer wrote")
        return "flame graph's page", flamegraph.read
    if data[:_HEAD].lstrip()[:1] == b"{":
        return "profile in speedscope's format", speedscope.read
    if collapsed.is_likely(data[:_HEAD]):
        return "profile of collapsed stacks", collapsed.read
    return "pprof profile", pprof.read


def _unpacked(data: bytes) -> bytes:
    if data[:2] != _GZIP:
        return data
    unpacker = zlib.decompressobj(wbits=31)
    unpacked = unpacker.decompress(data, model.MAX_BYTES)
    if unpacker.unconsumed_tail:
        raise NotAProfile(f"the profile is larger than {model.MAX_BYTES // 2**20} MiB when unpacked")
    if not unpacker.eof:
        raise NotAProfile("the profile is cut off")
    return unpacked
