"""A look: a server started where the target is (or found on a socket), and calls to it.

The child starts before grpc is imported here, so that both ends import at the same time.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pyrometer.client.errors import (
    ClientError,
    NotFound,
    NothingCaptured,
    NotPermitted,
    RefusedByPolicy,
    TargetGone,
    UsageFault,
)
from pyrometer.client.options import Where
from pyrometer.client.targets import LocalTarget, UnixTarget
from pyrometer.client.transports import Transport, remote_transport
from pyrometer.v1 import stdio

if TYPE_CHECKING:
    import grpc

    from pyrometer.client.bridge import Bridge
    from pyrometer.v1.error_pb2 import ErrorDetail

_STATUSES: dict[str, type[ClientError]] = {
    "INVALID_ARGUMENT": UsageFault,
    "NOT_FOUND": NotFound,
    "PERMISSION_DENIED": NotPermitted,
    "UNAUTHENTICATED": NotPermitted,
    "DEADLINE_EXCEEDED": NothingCaptured,
    "RESOURCE_EXHAUSTED": RefusedByPolicy,
}
_REASONS: dict[str, type[ClientError]] = {
    "REFUSED_BY_POLICY": RefusedByPolicy,
    "POLICY_UNREADABLE": RefusedByPolicy,
    "DISABLED": RefusedByPolicy,
    "EXPRESSION_REDACTED": RefusedByPolicy,
    "BUDGET_EXCEEDED": RefusedByPolicy,
    "PEER_REFUSED": NotPermitted,
    "TARGET_GONE": TargetGone,
    "TARGET_NOT_FOUND": NotFound,
    "NOT_PERMITTED": NotPermitted,
    "NOTHING_CAPTURED": NothingCaptured,
}
"""Reasons whose exit code is not told by the status."""


_LOOK_AS_ANOTHER = "look as the user of the process or as root; pyrometer doctor PID tells what is possible"


class Look:
    """An open connection to a server. `call` is all that verbs need."""

    def __init__(
        self, channel: grpc.Channel, secret: str | None, bridge: Bridge | None, transport: Transport | None
    ) -> None:
        from pyrometer.v1 import rpc

        self._stubs = rpc.Stubs(channel)
        self._metadata = ((rpc.SECRET_KEY, secret),) if secret else ()
        self._bridge = bridge
        self._transport = transport

    @property
    def server_version(self) -> str:
        """Version of pyrometer that the server is of; empty where it does not say (over a socket)."""
        return self._bridge.server_version if self._bridge else ""

    def call(self, method: str, request: Any, *, timeout: float | None = None) -> Any:
        """Call a method by name: a message, or an iterator of messages; `request` may be an iterator too.

        Raises:
            ClientError: here, or (for streams) from the iterator.
        """
        import grpc

        try:
            answer = getattr(self._stubs, method)(request, timeout=timeout, metadata=self._metadata)
        except grpc.RpcError as error:
            raise self._explain(error) from None
        return self._stream(answer) if hasattr(answer, "cancel") and hasattr(answer, "__next__") else answer

    def _stream(self, answers: Any) -> Iterator[Any]:
        import grpc

        try:
            yield from answers
        except grpc.RpcError as error:
            raise self._explain(error) from None
        finally:
            answers.cancel()

    def _explain(self, error: Any) -> ClientError:
        """A failed call, as its user should hear of it."""
        from pyrometer.v1 import rpc

        detail = rpc.error_of(error.trailing_metadata())
        if detail is not None:
            return from_detail(detail, error.code().name)
        if self._bridge is not None and self._transport is not None and error.code().name == "UNAVAILABLE":
            return self._transport.explain(self._bridge.failure(b"", timed_out=False, started=True))
        kind = _STATUSES.get(error.code().name, ClientError)
        return kind(f"the server answered {error.code().name}: {error.details()}")


def from_detail(detail: ErrorDetail, status: str = "") -> ClientError:
    """The error that a server's detail stands for."""
    kind = _REASONS.get(detail.reason) or _STATUSES.get(status, ClientError)
    next_step = detail.next or (_LOOK_AS_ANOTHER if kind is NotPermitted else "")
    return kind(detail.message, next=next_step, reason=detail.reason)


@contextlib.contextmanager
def open_look(where: Where) -> Iterator[Look]:
    """Start (or find) the server of a target, and end it afterwards. Raises ClientError."""
    if isinstance(where.target, UnixTarget):
        yield from _over_socket(where.target.path)
    elif isinstance(where.target, LocalTarget):
        from pyrometer.client.transports.local import Local

        local = Local(where.target, where.remote)
        yield from _over_stdio(local, local.environment())
    else:
        yield from _over_stdio(remote_transport(where.target, where.remote), None)


def _over_stdio(transport: Transport, environment: dict[str, str] | None) -> Iterator[Look]:
    bridge, secret, transport = _start(transport, environment)
    channel = _channel(bridge.address, stdio.Timeouts.of(bridge.lease).channel_options())
    try:
        yield Look(channel, secret, bridge, transport)
    finally:
        channel.close()
        bridge.close()


def _over_socket(path: str) -> Iterator[Look]:
    _check_socket(path)
    channel = _channel(f"unix:{path}", stdio.Timeouts.of(stdio.LEASE).channel_options())
    try:
        yield Look(channel, None, None, None)
    finally:
        channel.close()


def _check_socket(path: str) -> None:
    """See that somebody listens there: what gRPC says of it later helps nobody. Raises ClientError."""
    import socket

    serve = f"pyrometer serve --listen unix:{path} starts a server there"
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(path)
        except FileNotFoundError:
            raise NotFound(f"there is no socket {path}.", next=serve, reason="NO_SUCH_SOCKET") from None
        except PermissionError:
            raise NotPermitted(
                f"{path} may not be opened by this user.", next=f"ls -l {path} tells whose it is"
            ) from None
        except OSError as error:
            raise NotFound(
                f"nobody listens on {path}: {error.strerror}.", next=serve, reason="NO_SUCH_SOCKET"
            ) from None


def _start(transport: Transport, environment: dict[str, str] | None) -> tuple[Bridge, str, Transport]:
    """Start a carrier and hear its server's first words, by another way if the first one is known not to work."""
    from pyrometer.client import bridge as bridges

    while True:
        try:
            bridge = bridges.start(transport, environment)
        except OSError as error:
            raise ClientError(
                f"{transport.argv()[0]} could not be started: {error.strerror}.",
                next="--server-python PATH names another interpreter that has pyrometer",
            ) from None
        try:
            _import_grpc()
            return bridge, bridge.open(), transport
        except stdio.StartFailed as error:
            failure = bridge.failure(error.noise, timed_out="in time" in str(error), started=False)
            bridge.close()
            other = transport.fallback(failure)
            if other is None:
                raise transport.explain(failure) from None
            transport = other
        except BaseException:
            bridge.close()
            raise


def _import_grpc() -> None:
    """While the server imports the same on its side. What grpc logs of connections is nothing for a user's terminal."""
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    import grpc  # noqa: F401

    from pyrometer.v1 import rpc  # noqa: F401


def _channel(address: str, options: list[tuple[str, Any]]) -> grpc.Channel:
    _import_grpc()
    import grpc

    from pyrometer.v1 import rpc

    return grpc.insecure_channel(
        address,
        options=[
            *options,
            ("grpc.enable_retries", 0),
            ("grpc.enable_http_proxy", 0),
            ("grpc.use_local_subchannel_pool", 1),
            ("grpc.max_receive_message_length", rpc.MAX_MESSAGE),
            ("grpc.default_authority", "pyrometer"),
        ],
    )
