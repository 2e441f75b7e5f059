"""What carriers print, made into words."""

from __future__ import annotations

import pytest

from pyrometer.client.errors import ClientError, TargetGone
from pyrometer.client.transports import StartFailure, complaints


def failed(
    returncode: int | None = 1, stderr: str = "", noise: bytes = b"", *, timed_out: bool = False
) -> StartFailure:
    return StartFailure(returncode, noise, stderr, timed_out)


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain\ttext\nline", "plain\ttext\nline"),
        ("Größe „x“ …", "Größe „x“ …"),
        ("\x1b]52;c;AAAA\x07", "\\x1b]52;c;AAAA\\x07"),
        ("a\u202eb", "a\\u202eb"),
        ("a\x9b2Jb", "a\\x9b2Jb"),
        ("a\rb", "a\\rb"),
    ],
)
def test_nothing_reaches_the_terminal_that_it_would_obey(raw: str, shown: str) -> None:
    """Fault 83: what the other side printed is shown, not obeyed."""
    assert complaints.printable(raw) == shown


def test_a_flood_is_cut_in_the_middle() -> None:
    """The first words and the last ones are kept: causes stand in either."""
    text = complaints.printable("first" + "x" * 100_000 + "last")
    assert len(text) < 4100
    assert text.startswith("first")
    assert text.endswith("last")


def test_noise_before_the_server_is_shown_with_the_rest() -> None:
    """Fault 89: a banner that came instead of a server is part of the explanation."""
    error = complaints.explain("ssh", "web1", failed(1, "no", b"Welcome\r\n\xff"), ())
    assert (
        error.message
        == "ssh ended with status 1 before the server in web1 answered: no\n(and on its output: Welcome\n\\ufffd)"
    )


def test_silence_is_told_from_failure() -> None:
    """A carrier that says nothing in time may wait for somebody to type something."""
    error = complaints.explain("ssh", "web1", failed(None, timed_out=True), ())
    assert (error.exit_code, error.reason) == (1, "START_TIMED_OUT")
    assert "waits for something" in error.next


def test_what_was_lost_on_the_way_is_gone_not_missing() -> None:
    """Fault 88: once the server has answered, its loss is exit code 6, with the carrier's last words."""
    error = complaints.explain("kubectl", "pod web-7", failed(137, "terminated")._replace(started=True), ())
    assert isinstance(error, TargetGone)
    assert error.message == "kubectl lost pod web-7 while we looked: terminated"


def test_no_interpreter_names_what_was_tried() -> None:
    """The next step is in the message: install, or name one."""
    stderr = "pyrometer-launch: python3: No module named 'grpc'\npyrometer-launch: none\n"
    error = complaints.explain("ssh", "web1", failed(119, stderr), ())
    assert error.reason == "NO_INTERPRETER"
    assert error.message == "No Python with pyrometer was found in web1. Tried python3: No module named 'grpc'"
    assert "--server-python" in error.next


def test_a_cause_is_looked_for_in_order() -> None:
    """The tables go from what is special to what is general."""
    causes = (
        complaints.Cause("b+", TargetGone, "B", "then b"),
        complaints.Cause("a", ClientError, "A", "then a"),
    )
    assert complaints.explain("ssh", "x", failed(1, "a BB"), causes).reason == "B"
    assert complaints.explain("ssh", "x", failed(1, "a"), causes).next == "then a"
    assert complaints.explain("ssh", "x", failed(1, "c"), causes).reason == "CARRIER_FAILED"
