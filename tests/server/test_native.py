"""Native frames put into what the usual look found."""

from __future__ import annotations

from dataclasses import replace

from pyrometer.server.native import merged
from pyrometer.server.stacks import Frame, ThreadStack, Wait

READ = Frame("read", "/usr/lib/libc.so.6", 0)
WITH = Frame("Bank.transfer", "/srv/bank.py", 44, "bank", source="with self.lock:")
LOOP = Frame("loop", "/srv/bank.py", 9, "bank", source="transfer()")
USUAL = ThreadStack("T1", 11, (WITH, LOOP), waits_for=Wait("Lock", "self.lock", frame=1), cpu_percent=3.0)


def seen(*frames: Frame) -> ThreadStack:
    return ThreadStack("T1", 11, frames)


def test_a_thread_keeps_what_was_known_of_it() -> None:
    """Its processor time, the text of its lines; what names its wait is found again."""
    plain = [replace(frame, source="", module="") for frame in (WITH, LOOP)]
    (thread,) = merged((USUAL,), (seen(READ, *plain),))
    assert [frame.function for frame in thread.frames] == ["read", "Bank.transfer", "loop"]
    assert [frame.source for frame in thread.frames] == ["", "with self.lock:", "transfer()"]
    assert (thread.cpu_percent, thread.waits_for and thread.waits_for.frame) == (3.0, 2)


def test_a_thread_that_has_gone_on_waits_no_more() -> None:
    """The native look comes a moment later."""
    (thread,) = merged((USUAL,), (seen(READ),))
    assert thread.waits_for is None


def test_a_thread_that_was_not_seen_again_stays_as_it_was() -> None:
    """It has ended, or py-spy found no frame of it."""
    assert merged((USUAL,), ()) == (USUAL,)
    assert merged((USUAL,), (seen(),)) == (USUAL,)
