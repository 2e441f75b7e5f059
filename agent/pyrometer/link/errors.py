"""Errors that travel over the link, and what each one tells the person at the other end."""

from __future__ import annotations


class LinkError(Exception):
    """Something failed, with a stable reason, words for a person, and the next step.

    `reason` is UPPER_SNAKE and never changes its meaning: programs match on it, nobody matches on text.
    """

    reason = "INTERNAL"

    def __init__(self, message: str, *, next: str = "", reason: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.next = next
        if reason is not None:
            self.reason = reason


class BadRequest(LinkError, ValueError):
    """A request that does not have the shape that the operation asks for."""

    reason = "BAD_REQUEST"


class UnknownOperation(LinkError, NotImplementedError):
    """An operation that this agent does not know: it is older than the server."""

    reason = "UNKNOWN_OPERATION"


class Refused(LinkError, PermissionError):
    """The owner's policy, or a rule of ours, says no."""

    reason = "REFUSED_BY_POLICY"


class ExpressionRejected(LinkError, ValueError):
    """An expression that the language lacks or that would run the service's code; known before it is armed."""

    reason = "EXPRESSION_REJECTED"


class RedactedName(Refused):
    """A condition over a name that redaction withholds."""

    reason = "EXPRESSION_REDACTED"


class NoSuchPlace(LinkError, LookupError):
    """No code at the place named; `next` names the nearest places."""

    reason = "LINE_NOT_EXECUTABLE"


class AmbiguousPlace(NoSuchPlace):
    """Several files match; `message` lists them."""

    reason = "AMBIGUOUS_LOCATION"


class NoSuchFunction(NoSuchPlace):
    """A loaded module has no function of that name, or one without Python code."""

    reason = "NO_SUCH_FUNCTION"


class SourceChanged(NoSuchPlace):
    """The file that is named has another text by now than the code that runs was made from."""

    reason = "SOURCE_CHANGED"


class BudgetExceeded(LinkError):
    """Too many probes, links or hits at once."""

    reason = "BUDGET_EXCEEDED"


class EngineUnavailable(LinkError, RuntimeError):
    """No probe engine can be had: another tool holds every tool id, or the interpreter lacks one."""

    reason = "ENGINE_UNAVAILABLE"


class LinkClosed(LinkError, ConnectionError):
    """The other end is gone, or said something that is not a frame."""

    reason = "TARGET_GONE"
