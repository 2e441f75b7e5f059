"""An ssh ProxyCommand that is a slow network: every byte takes DELAY seconds each way.

`python slow_pipe.py HOST PORT DELAY`. Stopped by a signal, it is a network that stalls while both ends are well.
"""

from __future__ import annotations

import os
import queue
import socket
import sys
import threading
import time
from collections.abc import Callable


def carry(read: Callable[[], bytes], write: Callable[[bytes], object], delay: float) -> None:
    """Carry one direction; each piece is held back for the delay, not added to the others' delays."""
    pieces: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()

    def deliver() -> None:
        while True:
            due, data = pieces.get()
            time.sleep(max(0.0, due - time.monotonic()))
            if not data:
                os._exit(0)
            write(data)

    threading.Thread(target=deliver, daemon=True).start()
    data = b"-"
    while data:
        data = read()
        pieces.put((time.monotonic() + delay, data))


def main(host: str, port: str, delay: str) -> None:
    """Connect, and carry both directions until one ends."""
    connection = socket.create_connection((host, int(port)))
    down = (lambda: connection.recv(65536), lambda data: os.write(1, data), float(delay))
    threading.Thread(target=carry, args=down, daemon=True).start()
    carry(lambda: os.read(0, 65536), connection.sendall, float(delay))
    time.sleep(10)


if __name__ == "__main__":
    main(*sys.argv[1:])
