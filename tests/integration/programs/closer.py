"""A service that closes all its descriptors after the agent started, then listens itself; fault 26a.

Prints `ready PORT`; answers each connection with `mine` until its stdin (moved away before) ends.
"""

from __future__ import annotations

import os
import socket
import sys
import threading

import pyrometer.agent

pyrometer.agent.start(service=sys.argv[1], strict=True)
os.closerange(3, 256)
listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(6)]


def answer(listener: socket.socket) -> None:
    while True:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"mine")


for each in listeners:
    threading.Thread(target=answer, args=(each,), daemon=True).start()
print("ready", *(each.getsockname()[1] for each in listeners), flush=True)
sys.stdin.read()
