"""The methods of the API as both ends need them: paths, message classes, who streams.

They are read from the generated descriptors, so a method is written down once, in its .proto file. There is no
generated `_pb2_grpc`: it refuses grpcio versions older than its generator.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from google.protobuf import descriptor_pb2, message_factory

from pyrometer.v1 import (
    error_pb2,
    probe_service_pb2,
    process_service_pb2,
    profile_service_pb2,
    stack_service_pb2,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

SECRET_KEY = "pyrometer-secret"
"""Metadata that every call over stdio must show: the one-time secret of the look."""
ERROR_KEY = "pyrometer-error-bin"
"""Trailing metadata that holds a serialized `ErrorDetail`."""
MAX_MESSAGE = 16 * 1024 * 1024
"""Bytes of one message, both ways."""
CHUNK = 256 * 1024
"""Bytes of one piece of a large result."""

_FILES = (process_service_pb2, stack_service_pb2, profile_service_pb2, probe_service_pb2)


class Method(NamedTuple):
    """One RPC: `/{service}/{name}`."""

    service: str
    name: str
    request: type[Any]
    response: type[Any]
    request_streams: bool
    response_streams: bool

    @property
    def path(self) -> str:
        """The path of the HTTP/2 request."""
        return f"/{self.service}/{self.name}"

    @property
    def kind(self) -> str:
        """As grpc names it: "unary_stream" and the like."""
        return "_".join("stream" if streams else "unary" for streams in (self.request_streams, self.response_streams))


def methods() -> Iterator[Method]:
    """All methods of the API."""
    for module in _FILES:
        described = descriptor_pb2.FileDescriptorProto.FromString(module.DESCRIPTOR.serialized_pb)
        for service in module.DESCRIPTOR.services_by_name.values():
            streams = {
                method.name: (method.client_streaming, method.server_streaming)
                for entry in described.service
                if entry.name == service.name
                for method in entry.method
            }
            for method in service.methods:
                yield Method(
                    service.full_name,
                    method.name,
                    message_factory.GetMessageClass(method.input_type),
                    message_factory.GetMessageClass(method.output_type),
                    *streams[method.name],
                )


def service_names() -> list[str]:
    """Full names of the services, sorted."""
    return sorted({method.service for method in methods()})


def error_of(metadata: Sequence[tuple[str, Any]] | None) -> error_pb2.ErrorDetail | None:
    """The detail that a failed call carries, or None where there is none or it can't be read."""
    for key, value in metadata or ():
        if key == ERROR_KEY:
            try:
                return error_pb2.ErrorDetail.FromString(bytes(value))
            except Exception:  # protobuf's DecodeError differs between its implementations
                return None
    return None


class Stubs:
    """Calls by name: `stubs.DumpStacks(request)`. `channel` is a `grpc.Channel`."""

    def __init__(self, channel: Any) -> None:
        for method in methods():
            factory: Callable[..., Any] = getattr(channel, method.kind)
            setattr(
                self,
                method.name,
                factory(
                    method.path,
                    request_serializer=method.request.SerializeToString,
                    response_deserializer=method.response.FromString,
                ),
            )

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...
