"""The gRPC edge: handlers made from the API's descriptors, around servicers that know of no metadata or status."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc

from pyrometer.link.errors import LinkError
from pyrometer.server import errors
from pyrometer.v1 import rpc

MAX_CALLS = 32
"""Calls at once; a streaming call holds a thread for as long as it lasts."""


def build(*, secret: str | None, lease: float, options: Sequence[tuple[str, Any]]) -> grpc.Server:
    """A server with all services, without a port yet.

    Args:
        secret: what every call must show as metadata; None: nobody asks (the folder of the socket guards it).
        lease: seconds after which an agent takes a silent watcher for dead.
        options: channel arguments of grpc.
    """
    server = grpc.server(
        ThreadPoolExecutor(MAX_CALLS, thread_name_prefix="call"),
        options=[*options, ("grpc.so_reuseport", 0)],
        maximum_concurrent_rpcs=MAX_CALLS,
    )
    for name, servicer in _servicers(lease).items():
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(name, _handlers(name, servicer, secret)),)
        )
    return server


def _servicers(lease: float) -> dict[str, object]:
    from pyrometer.server.probe_service import ProbeServicer
    from pyrometer.server.process_service import ProcessServicer
    from pyrometer.server.profile_service import ProfileServicer
    from pyrometer.server.stack_service import StackServicer

    return {
        "pyrometer.v1.ProcessService": ProcessServicer(),
        "pyrometer.v1.StackService": StackServicer(),
        "pyrometer.v1.ProfileService": ProfileServicer(),
        "pyrometer.v1.ProbeService": ProbeServicer(lease),
    }


def _handlers(service: str, servicer: object, secret: str | None) -> dict[str, grpc.RpcMethodHandler[Any, Any]]:
    return {
        method.name: getattr(grpc, f"{method.kind}_rpc_method_handler")(
            _guarded(getattr(servicer, method.name), secret, streams=method.response_streams),
            request_deserializer=method.request.FromString,
            response_serializer=method.response.SerializeToString,
        )
        for method in rpc.methods()
        if method.service == service and hasattr(servicer, method.name)
    }


def _guarded(behaviour: Callable[..., Any], secret: str | None, *, streams: bool) -> Callable[..., Any]:
    """A behaviour that asks for the secret first, and whose errors end the call with their status."""

    def unary(request: Any, context: grpc.ServicerContext) -> Any:
        _authenticate(context, secret)
        try:
            return behaviour(request, context)
        except LinkError as error:
            errors.abort(context, error)

    def stream(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        _authenticate(context, secret)
        try:
            yield from behaviour(request, context)
        except LinkError as error:
            errors.abort(context, error)

    return stream if streams else unary


def _authenticate(context: grpc.ServicerContext, secret: str | None) -> None:
    if secret is None:
        return
    shown = dict(context.invocation_metadata()).get(rpc.SECRET_KEY, "")
    if not hmac.compare_digest(str(shown), secret):
        context.abort(grpc.StatusCode.UNAUTHENTICATED, "this server belongs to another look")
