"""ProcessService: which processes there are."""

from __future__ import annotations

import grpc

from pyrometer.server import roster
from pyrometer.server.convert import check_to_message, error_to_message, process_to_message
from pyrometer.server.errors import NotFound
from pyrometer.v1 import process_service_pb2 as messages


class ProcessServicer:
    """Lists processes."""

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
