"""The gRPC edge: handlers made from the API's descriptors, around servicers that know of no metadata or status."""

from __future__ import annotations

import hmac
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import grpc

from pyrometer.link.errors import LinkError
from pyrometer.server import errors
from pyrometer.v1 import rpc

MAX_CALLS = 32
"""Calls at once; a streaming call holds a thread for as long as it lasts."""


class _Servicer:
    """What serves a service; it is imported when it is first called, for a look mostly calls one."""

    def __init__(self, make: Callable[[], object]) -> None:
        self._make = make
        self._made: object = None
        self._lock = threading.Lock()

    def method(self, name: str) -> Callable[..., Any]:
        """A method of it, by the API's name."""
        with self._lock:
            if self._made is None:
                self._made = self._make()
        found: Callable[..., Any] = getattr(self._made, name)
        return found


def build(
    *, secret: str | None, lease: float, options: Sequence[tuple[str, Any]], at_once: bool = False
) -> grpc.Server:
    """A server with all services, without a port yet.

    Args:
        secret: what every call must show as metadata; None: nobody asks (the folder of the socket guards it).
        lease: seconds after which an agent takes a silent watcher for dead.
        options: channel arguments of grpc.
        at_once: import everything now: what runs for long must not meet a newer version on the disk.
    """
    server = grpc.server(
        ThreadPoolExecutor(MAX_CALLS, thread_name_prefix="call"),
        options=[*options, ("grpc.so_reuseport", 0)],
        maximum_concurrent_rpcs=MAX_CALLS,
    )
    for name, servicer in _servicers(lease).items():
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(name, _handlers(name, servicer, secret, at_once=at_once)),)
        )
    return server


def _servicers(lease: float) -> dict[str, _Servicer]:
    def processes() -> object:
        from pyrometer.server.process_service import ProcessServicer

        return ProcessServicer()

    def stacks() -> object:
        from pyrometer.server.stack_service import StackServicer

        return StackServicer()

    def profiles() -> object:
        from pyrometer.server.profile_service import ProfileServicer

        return ProfileServicer()

    def probes() -> object:
        from pyrometer.server.probe_service import ProbeServicer

        return ProbeServicer(lease)

    return {
        "pyrometer.v1.ProcessService": _Servicer(processes),
        "pyrometer.v1.StackService": _Servicer(stacks),
        "pyrometer.v1.ProfileService": _Servicer(profiles),
        "pyrometer.v1.ProbeService": _Servicer(probes),
    }


def _handlers(
    service: str, servicer: _Servicer, secret: str | None, *, at_once: bool
) -> dict[str, grpc.RpcMethodHandler[Any, Any]]:
    methods = [method for method in rpc.methods() if method.service == service]
    if at_once:
        for method in methods:
            servicer.method(method.name)
    return {
        method.name: getattr(grpc, f"{method.kind}_rpc_method_handler")(
            _guarded(partial(servicer.method, method.name), secret, streams=method.response_streams),
            request_deserializer=method.request.FromString,
            response_serializer=method.response.SerializeToString,
        )
        for method in methods
    }


def _guarded(method: Callable[[], Callable[..., Any]], secret: str | None, *, streams: bool) -> Callable[..., Any]:
    """What asks for the secret before it calls a method, and ends the call with the status of the method's errors."""

    def unary(request: Any, context: grpc.ServicerContext) -> Any:
        _authenticate(context, secret)
        try:
            return method()(request, context)
        except LinkError as error:
            errors.abort(context, error)

    def stream(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        _authenticate(context, secret)
        try:
            yield from method()(request, context)
        except LinkError as error:
            errors.abort(context, error)

    return stream if streams else unary


def _authenticate(context: grpc.ServicerContext, secret: str | None) -> None:
    if secret is None:
        return
    shown = dict(context.invocation_metadata()).get(rpc.SECRET_KEY, "")
    if not hmac.compare_digest(str(shown), secret):
        context.abort(grpc.StatusCode.UNAUTHENTICATED, "this server belongs to another look")
