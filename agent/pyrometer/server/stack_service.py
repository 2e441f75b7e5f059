"""StackService: stacks of all threads, one process a message, as they come."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed

import grpc

from pyrometer.link.errors import BadRequest, LinkError
from pyrometer.server import looking, native, roster
from pyrometer.server.convert import error_to_message, stacks_to_message
from pyrometer.v1 import stack_service_pb2 as messages

_MAX_INTERVAL = 5.0
_MAX_WORKERS = 64


class StackServicer:
    """Dumps stacks."""

    def DumpStacks(
        self, request: messages.DumpStacksRequest, context: grpc.ServicerContext
    ) -> Iterator[messages.DumpStacksResponse]:
        """Look at every process named, all at the same time."""
        interval = request.interval.ToMicroseconds() / 1e6 if request.HasField("interval") else looking.INTERVAL
        if not 0 < interval <= _MAX_INTERVAL:
            raise BadRequest(f"the interval must be over 0 and at most {_MAX_INTERVAL:.0f} s")
        if request.native and not request.pause:
            raise BadRequest("native stacks are read from a stopped process: `pause` must be set too")
        found = roster.candidates(request.service, request.pids)
        if not request.service and not request.pids:
            found = roster.the_only_service(found)
        with ThreadPoolExecutor(min(_MAX_WORKERS, len(found)), thread_name_prefix="process") as pool:
            read = native.look if request.native else looking.look
            asked = {
                pool.submit(read, candidate, interval, values=request.locals): candidate.pid for candidate in found
            }
            for done in as_completed(asked):
                try:
                    yield messages.DumpStacksResponse(process=stacks_to_message(done.result()))
                except LinkError as error:
                    yield messages.DumpStacksResponse(error=error_to_message(asked[done], error))
