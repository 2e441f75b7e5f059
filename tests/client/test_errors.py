"""Errors of the command line."""

from __future__ import annotations

import pytest

from pyrometer.client import errors


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.ClientError, 1),
        (errors.UsageFault, 2),
        (errors.NotFound, 3),
        (errors.NotPermitted, 4),
        (errors.NothingCaptured, 5),
        (errors.TargetGone, 6),
        (errors.RefusedByPolicy, 7),
    ],
)
def test_each_kind_has_its_exit_code(kind: type[errors.ClientError], code: int) -> None:
    """The exit codes are those of the documentation, and an error carries its words and the next step whole."""
    error = kind("what", next="do this")
    assert (error.exit_code, error.message, str(error), error.next) == (code, "what", "what", "do this")
    assert error.reason == error.reason.upper()


def test_one_error_may_differ_from_its_kind() -> None:
    """A reason or an exit code that is given counts for this error alone."""
    error = errors.NotFound("what", reason="NO_SUCH_POD", exit_code=6)
    assert (error.reason, error.exit_code) == ("NO_SUCH_POD", 6)
    assert (errors.NotFound.reason, errors.NotFound.exit_code) == ("TARGET_NOT_FOUND", 3)
