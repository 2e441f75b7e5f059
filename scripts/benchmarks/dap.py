"""A debugger, as far as the bench needs one: it attaches to debugpy and sets one breakpoint."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Iterator
from typing import Any

_PATIENCE = 20.0


class Debugger:
    """A connection that speaks the Debug Adapter Protocol."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE)
        self._stream = self._socket.makefile("rwb")
        self._asked = 0

    def ask(self, command: str, **arguments: Any) -> int:
        """Send a request; answers its number."""
        self._asked += 1
        body = json.dumps({"seq": self._asked, "type": "request", "command": command, "arguments": arguments}).encode()
        self._stream.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._stream.flush()
        return self._asked

    def answer(self, number: int) -> Any:
        """Wait for the answer to a request. Raises RuntimeError if it was refused."""
        while True:
            message = self._read()
            if message.get("request_seq") == number:
                if not message["success"]:
                    raise RuntimeError(f"debugpy refused {message['command']}: {message.get('message')}")
                return message.get("body")

    def wait_event(self, name: str) -> None:
        """Wait for an event."""
        while self._read().get("event") != name:
            pass

    def close(self) -> None:
        """End it; the process goes on."""
        with contextlib.suppress(OSError):
            self.answer(self.ask("disconnect", terminateDebuggee=False))
        self._stream.close()
        self._socket.close()

    def _read(self) -> Any:
        length = 0
        while line := self._stream.readline().strip():
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        if not length:
            raise RuntimeError("debugpy closed the connection")
        return json.loads(self._stream.read(length))


@contextlib.contextmanager
def breakpoint_at(port: int, file: str, line: int, condition: str | None) -> Iterator[None]:
    """A breakpoint, set for as long as the block lasts. Raises RuntimeError if debugpy does not take it."""
    debugger = Debugger(port)
    try:
        debugger.answer(debugger.ask("initialize", adapterID="bench", pathFormat="path"))
        attached = debugger.ask("attach", justMyCode=False)
        debugger.wait_event("initialized")
        place: dict[str, Any] = {"line": line} | ({"condition": condition} if condition else {})
        (point,) = debugger.answer(debugger.ask("setBreakpoints", source={"path": file}, breakpoints=[place]))[
            "breakpoints"
        ]
        if not point["verified"]:
            raise RuntimeError(f"debugpy did not set the breakpoint: {point.get('message')}")
        debugger.ask("configurationDone")
        debugger.answer(attached)
        yield
    finally:
        debugger.close()
