"""A client of ours that records or holds a probe open, and says when it really does. Its stdin's end ends it.

Arguments: a pid; then what is asked for, as JSON: {"record": ...} or {"probe": ...}. Commands: `server` answers the
server's pid; `started` waits until it samples or is armed; `status` answers the probe's last counters; `end` ends it
and answers what it came to.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import talk
from google.protobuf.json_format import MessageToDict, ParseDict

from pyrometer.client.options import Where
from pyrometer.client.session import Look, open_look
from pyrometer.client.targets import LocalTarget, RemoteOptions
from pyrometer.v1 import probe_service_pb2, process_service_pb2, profile_service_pb2

_PATIENCE = 30.0


class Watcher:
    """One stream, read on a thread of its own."""

    def __init__(self, pid: int, asked: dict[str, Any]) -> None:
        self._pid = pid
        self._asked = asked
        self._begun = threading.Event()
        self._status: Any = {}
        self._outcome: Any = None
        self._commands: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def serve(self) -> None:
        """Open the look, say `ready`; what is asked for begins with `started`, when the server has been moved."""
        target = LocalTarget(pid=self._pid)
        with open_look(Where(target, RemoteOptions())) as look:
            look.call("ListProcesses", process_service_pb2.ListProcessesRequest(), timeout=_PATIENCE)
            self._look = look
            talk.serve({"server": self.server, "started": self.started, "status": self.status, "end": self.end})

    def server(self) -> int:
        """The pid of our server."""
        for path in Path(f"/proc/{os.getpid()}/task").glob("*/children"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # a thread that has just ended
                if found := path.read_text().split():
                    return int(found[0])
        return 0

    def started(self) -> bool:
        """Begin, and wait until it samples, or is armed."""
        self._thread.start()
        return self._begun.wait(_PATIENCE)

    def status(self) -> Any:
        """The last counters."""
        return self._status

    def end(self) -> Any:
        """End it, and tell what it came to."""
        self._commands.put(profile_service_pb2.RecordProfileRequest(stop=profile_service_pb2.RecordStop()))
        self._commands.put(None)
        if "record" in self._asked:
            self._thread.join(_PATIENCE)
        return self._outcome

    def _run(self) -> None:
        try:
            if "record" in self._asked:
                self._record(self._look, self._asked["record"])
            else:
                self._probe(self._look, self._asked["probe"])
        except Exception as error:  # noqa: BLE001 - it is told, by `end`
            self._outcome = {"error": str(error)}

    def _record(self, look: Look, asked: dict[str, Any]) -> None:
        request = profile_service_pb2.RecordProfileRequest()
        ParseDict({"pids": [self._pid], **asked}, request.start)
        self._commands.put(request)
        for message in look.call("RecordProfile", self._requests()):
            if message.HasField("progress") and message.progress.samples:
                self._begun.set()
            if message.HasField("summary"):
                self._outcome = MessageToDict(message.summary, preserving_proto_field_name=True)

    def _requests(self) -> Iterator[Any]:
        while (command := self._commands.get()) is not None:
            yield command

    def _probe(self, look: Look, asked: dict[str, Any]) -> None:
        request = probe_service_pb2.OpenProbeRequest(pids=[self._pid])
        ParseDict(asked, request.probe)
        for message in look.call("OpenProbe", request):
            if message.HasField("event") and message.event.HasField("state"):
                self._note(message.event.state)
            elif message.HasField("progress"):
                for status in message.progress.statuses:
                    self._note(status)

    def _note(self, status: Any) -> None:
        self._status = MessageToDict(
            status, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
        )
        self._begun.set()


Watcher(int(sys.argv[1]), json.loads(sys.argv[2])).serve()
