"""ProbeService: probes open for as long as somebody listens to their stream."""

from __future__ import annotations

import os
from collections.abc import Iterator

import grpc

from pyrometer.server import roster
from pyrometer.server.probing import ProbeSession, list_probes, remove_probes
from pyrometer.server.snapshots import (
    error_to_message,
    event_to_message,
    spec_from_message,
    status_to_message,
)
from pyrometer.v1 import probe_service_pb2 as messages


class ProbeServicer:
    """Opens, lists and closes probes. `lease`: seconds that an agent waits for a silent watcher."""

    def __init__(self, lease: float) -> None:
        self._lease = lease

    def OpenProbe(
        self, request: messages.OpenProbeRequest, context: grpc.ServicerContext
    ) -> Iterator[messages.OpenProbeResponse]:
        """Arm, and stream what happens; the end of the call disarms."""
        spec = spec_from_message(request.probe, os.urandom(3).hex(), self._lease)
        session = ProbeSession(spec, request.service, list(request.pids))
        context.add_callback(session.stop)
        for event in session.run():
            yield event_to_message(event)

    def ListProbes(
        self, request: messages.ListProbesRequest, context: grpc.ServicerContext
    ) -> messages.ListProbesResponse:
        """List what is armed, whoever armed it."""
        found = roster.candidates(request.service, request.pids)
        probes, failures = list_probes(found)
        if found and len(failures) == len(found):  # "nothing is armed" is not what that means
            raise failures[0].error
        return messages.ListProbesResponse(
            probes=[status_to_message(pid, status) for pid, status in probes],
            errors=[error_to_message(failure.pid, failure.error) for failure in failures],
        )

    def CloseProbes(
        self, request: messages.CloseProbesRequest, context: grpc.ServicerContext
    ) -> messages.CloseProbesResponse:
        """Remove probes by their ids."""
        gone = remove_probes(roster.candidates(request.service), list(request.probe_ids))
        return messages.CloseProbesResponse(probe_ids=gone)
