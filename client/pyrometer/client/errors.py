"""What can go wrong for the person who types a command: words, the next step, a stable reason, an exit code."""

from __future__ import annotations


class ClientError(Exception):
    """A command failed, and this is what its user is told.

    `message` says what happened and why; `next` what to do now (empty: nothing is known to help). `reason` is
    UPPER_SNAKE and stable: programs match on it, nobody matches on text. `exit_code` is what the command ends with.
    """

    exit_code = 1
    reason = "FAILED"

    def __init__(
        self, message: str, *, next: str = "", exit_code: int | None = None, reason: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.next = next
        if exit_code is not None:
            self.exit_code = exit_code
        if reason is not None:
            self.reason = reason

    def __str__(self) -> str:
        return self.message


class UsageFault(ClientError, ValueError):
    """What was typed does not say anything that can be done."""

    exit_code = 2
    reason = "USAGE"


class NotFound(ClientError, LookupError):
    """No such process, service, pod, container, host, or no pyrometer there."""

    exit_code = 3
    reason = "TARGET_NOT_FOUND"


class NotPermitted(ClientError, PermissionError):
    """The kernel, ssh, the cluster or the agent does not let this identity in."""

    exit_code = 4
    reason = "NOT_PERMITTED"


class NothingCaptured(ClientError, TimeoutError):
    """The time is over and nothing was there to show."""

    exit_code = 5
    reason = "NOTHING_CAPTURED"


class TargetGone(ClientError, ConnectionError):
    """The target was there and went away while we looked."""

    exit_code = 6
    reason = "TARGET_GONE"


class RefusedByPolicy(ClientError, PermissionError):
    """The owner's policy, redaction or a budget says no."""

    exit_code = 7
    reason = "REFUSED_BY_POLICY"
