"""ProcessService: which processes there are, and what they use."""

from __future__ import annotations

from collections.abc import Iterator

import grpc

from pyrometer.link.errors import BadRequest
from pyrometer.server import roster
from pyrometer.server.convert import check_to_message, error_to_message, process_to_message
from pyrometer.server.errors import NotFound
from pyrometer.v1 import process_service_pb2 as messages

_SHORTEST, _LONGEST, _USUAL = 0.1, 60.0, 0.5
_DAY = 86_400.0


class ProcessServicer:
    """Lists, diagnoses and measures processes."""

    def ListProcesses(
        self, request: messages.ListProcessesRequest, context: grpc.ServicerContext
    ) -> messages.ListProcessesResponse:
        """List what a request names; a pid that is not there is an error, a process that ends meanwhile is left out."""
        found = roster.candidates(request.service, request.pids, without_agent=request.without_agent)
        processes = roster.describe(found)
        return messages.ListProcessesResponse(
            processes=[process_to_message(process) for process in processes],
            errors=[error_to_message(process.pid, process.error) for process in processes if process.error],
        )

    def DiagnoseProcess(
        self, request: messages.DiagnoseProcessRequest, context: grpc.ServicerContext
    ) -> messages.DiagnoseProcessResponse:
        """Explain what can be done with one process; a pid that is not there is a failed check, not an error."""
        from pyrometer.server import diagnosis

        checks = diagnosis.diagnose(request.pid)
        return messages.DiagnoseProcessResponse(checks=[check_to_message(check) for check in checks])

    def GetProcess(
        self, request: messages.GetProcessRequest, context: grpc.ServicerContext
    ) -> messages.GetProcessResponse:
        """Describe one process."""
        (process,) = roster.describe(roster.candidates(pids=[request.pid])) or (None,)
        if process is None:
            raise NotFound(f"process {request.pid} is gone")
        return messages.GetProcessResponse(process=process_to_message(process))

    def WatchMetrics(
        self, request: messages.WatchMetricsRequest, context: grpc.ServicerContext
    ) -> Iterator[messages.WatchMetricsResponse]:
        """Measure every process named, all at the same time, round after round."""
        from pyrometer.server.convert import metrics_to_message
        from pyrometer.server.measuring import Failure, Watch

        interval = request.interval.ToMicroseconds() / 1e6 if request.HasField("interval") else _USUAL
        if not _SHORTEST <= interval <= _LONGEST:
            raise BadRequest(f"the interval must be from {_SHORTEST} to {_LONGEST:.0f} s")
        rounds = request.rounds or 1
        if rounds * interval > _DAY:
            raise BadRequest("metrics are watched for 24 hours at most")
        watch = Watch(lambda: _named(request), lambda: not context.is_active())
        for number, result in watch.rounds(interval, rounds):
            if isinstance(result, Failure):
                yield messages.WatchMetricsResponse(error=error_to_message(result.pid, result.error))
            else:
                yield messages.WatchMetricsResponse(process=metrics_to_message(result, number))


def _named(request: messages.WatchMetricsRequest) -> list[roster.Candidate]:
    """The processes that are asked for, as they are now."""
    found = roster.candidates(request.service, request.pids)
    return found if request.service or request.pids else roster.the_only_service(found)
