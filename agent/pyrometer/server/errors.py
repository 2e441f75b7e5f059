"""From domain errors to gRPC statuses: one table, and nobody matches on text."""

from __future__ import annotations

from typing import NoReturn

import grpc

from pyrometer.link.errors import LinkError
from pyrometer.server.wording import text
from pyrometer.v1 import rpc
from pyrometer.v1.error_pb2 import ErrorDetail

_Code = grpc.StatusCode

STATUS = {
    "BAD_REQUEST": _Code.INVALID_ARGUMENT,
    "EXPRESSION_REJECTED": _Code.INVALID_ARGUMENT,
    "LINE_NOT_EXECUTABLE": _Code.INVALID_ARGUMENT,
    "AMBIGUOUS_LOCATION": _Code.INVALID_ARGUMENT,
    "NO_SUCH_FUNCTION": _Code.INVALID_ARGUMENT,
    "SOURCE_CHANGED": _Code.INVALID_ARGUMENT,
    "REFUSED_OWN_CODE": _Code.INVALID_ARGUMENT,
    "SERVICE_NOT_NAMED": _Code.INVALID_ARGUMENT,
    "EXPRESSION_REDACTED": _Code.FAILED_PRECONDITION,
    "REFUSED_BY_POLICY": _Code.FAILED_PRECONDITION,
    "POLICY_UNREADABLE": _Code.FAILED_PRECONDITION,
    "DISABLED": _Code.FAILED_PRECONDITION,
    "BUDGET_EXCEEDED": _Code.RESOURCE_EXHAUSTED,
    "PEER_REFUSED": _Code.PERMISSION_DENIED,
    "NOT_PERMITTED": _Code.PERMISSION_DENIED,
    "TARGET_NOT_FOUND": _Code.NOT_FOUND,
    "NOT_PYTHON": _Code.FAILED_PRECONDITION,
    "TARGET_GONE": _Code.UNAVAILABLE,
    "NOTHING_CAPTURED": _Code.DEADLINE_EXCEEDED,
    "AGENT_MISSING": _Code.FAILED_PRECONDITION,
    "AGENT_BUSY": _Code.DEADLINE_EXCEEDED,
    "ENGINE_UNAVAILABLE": _Code.FAILED_PRECONDITION,
    "UNKNOWN_OPERATION": _Code.UNIMPLEMENTED,
}
"""What is not in it is INTERNAL."""


class NotFound(LinkError, LookupError):
    """No such process or service."""

    reason = "TARGET_NOT_FOUND"


class NotPython(LinkError):
    """The process is there and is not a Python that we can read."""

    reason = "NOT_PYTHON"


class NotPermitted(LinkError, PermissionError):
    """The kernel does not let us read the process."""

    reason = "NOT_PERMITTED"


class Unreadable(LinkError):
    """The process could be read, and what was read makes no sense."""

    reason = "OUTSIDE_FAILED"


class ServiceNotNamed(LinkError, ValueError):
    """Several services and none named."""

    reason = "SERVICE_NOT_NAMED"


def detail(error: LinkError) -> ErrorDetail:
    """The message that a client gets."""
    return ErrorDetail(reason=text(error.reason), message=text(error.message), next=text(error.next))


def abort(context: grpc.ServicerContext, error: LinkError) -> NoReturn:
    """End a call with an error's status and detail."""
    context.set_trailing_metadata(((rpc.ERROR_KEY, detail(error).SerializeToString()),))
    context.abort(STATUS.get(error.reason, _Code.INTERNAL), text(error.message))
    raise AssertionError("abort raises")
