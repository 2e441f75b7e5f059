"""Runs py-spy for a server that may vanish: starts it, times it, stops it, reaps it, and leaves nothing behind.

A program of its own, run by path with `-I -S`, for two reasons. A reader must die with what started it
(PR_SET_PDEATHSIG), and that is set between fork and exec: in a process in which gRPC runs, a fork with hooks ends one
child in twenty by SIGSEGV. And PR_SET_PDEATHSIG goes by the thread that forked, of which there is only one here.

What it is told, a line of JSON each, on standard input; the end of it ends everything:

    {"run": key, "argv": […], "seconds": 3.5, "stops": pid}    "{output}" in argv: where the result is to be written;
                                                 "stops": a process that the reader stops at each look, or 0
    {"stop": key}                                end it now, by the signal that makes it write what it has

What it says on standard output, a line of JSON each, the last kind followed by as many bytes as "bytes" says:

    {"key": key, "pid": 77}                      it runs
    {"key": key, "began": true}                  it has said its first line
    {"key": key, "status": exit status or minus the signal, "cpu": seconds, "own": seconds of the launcher itself so
     far, "said": text, "bytes": n}              it has ended
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import select
import signal
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

GRACE = 1.5
"""Seconds between the polite signal and the other one."""
MAX_OUTPUT = 64 * 1024 * 1024
"""Bytes of a result."""
MAX_SAID = 8192
"""Bytes of what a reader says that are kept."""
_OUTPUT_FD = 3
_PR_SET_PDEATHSIG = 1
_REAP_EVERY = 0.02
_prctl = ctypes.CDLL(None).prctl


class Child:
    """One reader: its process, what it says, and its result, which has no name in any folder."""

    def __init__(self, key: str, argv: list[str], seconds: float, stops: int = 0) -> None:
        self.key = key
        self._stops = stops if stops and not _is_stopped(stops) else 0
        self.said = b""
        self.silent = False
        self.deadline = time.monotonic() + seconds
        self._signals = [signal.SIGINT, signal.SIGKILL]
        self._output = os.memfd_create("profile")
        self.talk, writer = os.pipe()
        launcher = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            _become(argv, self._output, writer, launcher)
        os.close(writer)

    @property
    def killed(self) -> bool:
        """Whether no signal is left to send."""
        return not self._signals

    def hear(self) -> None:
        """Take what it said; call when there is something to take."""
        data = os.read(self.talk, 65536)
        self.silent = not data
        self.said = (self.said + data)[:MAX_SAID]

    def stop(self) -> None:
        """End it: politely now, and with force in a while."""
        self.deadline = min(self.deadline, time.monotonic())

    def press(self) -> None:
        """Send the signal that is due, if one is."""
        if self._signals and time.monotonic() >= self.deadline:
            self.deadline = time.monotonic() + GRACE
            os.kill(self.pid, self._signals.pop(0))

    def reap(self) -> tuple[int, float] | None:
        """Status and processor seconds once it has ended."""
        pid, status, usage = os.wait4(self.pid, os.WNOHANG)
        if pid and self._stops and _is_stopped(self._stops):
            # It was killed between stopping the process and seeing it stopped: nobody else would let it go on.
            with contextlib.suppress(OSError):
                os.kill(self._stops, signal.SIGCONT)
        return (os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime) if pid else None

    def close(self) -> bytes:
        """What it wrote. Gives the descriptors back."""
        size = os.fstat(self._output).st_size
        data = os.pread(self._output, min(size, MAX_OUTPUT), 0) if size else b""
        os.close(self._output)
        os.close(self.talk)
        return data


def _is_stopped(pid: int) -> bool:
    """Whether a process stands still by a signal; one that is gone does not."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read(4096).rpartition(b")")[2].split()[:1] == [b"T"]
    except OSError:
        return False


def _become(argv: list[str], output: int, writer: int, launcher: int) -> None:
    """In the child: turn into the reader, or say why not and end."""
    try:
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != launcher:
            os._exit(0)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(writer, 1)
        os.dup2(writer, 2)
        os.dup2(output, _OUTPUT_FD)
        if output == _OUTPUT_FD:  # then dup2 did nothing, and exec would close it
            os.set_inheritable(_OUTPUT_FD, True)  # noqa: FBT003 - its parameters have no names
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (MAX_OUTPUT, MAX_OUTPUT))
        for number in (signal.SIGINT, signal.SIGPIPE):  # ctrl-C is ignored where a script runs us in the background
            signal.signal(number, signal.SIG_DFL)
        words = [word.replace("{output}", f"/proc/self/fd/{_OUTPUT_FD}") for word in argv]
        os.execve(words[0], words, {"LC_ALL": "C.UTF-8", "RUST_BACKTRACE": "0"})  # noqa: S606
    except BaseException as error:  # noqa: BLE001 - in a forked child nothing may go up the stack
        os.write(2, f"Error: {error}\n".encode())
    finally:
        os._exit(127)


class Launcher:
    """The loop: hears the server and the readers, and gives each signal when it is due."""

    def __init__(self, commands: int, answers: int) -> None:
        self._commands = commands
        self._answers = answers
        self._heard = b""
        self._children: dict[str, Child] = {}
        self._closing = False

    def work(self) -> None:
        """Serve until the server is gone and the last reader is reaped."""
        while self._children or not self._closing:
            self._listen()
            for child in list(self._children.values()):
                child.press()
                self._reap(child)

    def _listen(self) -> None:
        talking = {child.talk: child for child in self._children.values() if not child.silent}
        poll = select.poll()
        for descriptor in [*talking, *([] if self._closing else [self._commands])]:
            poll.register(descriptor, select.POLLIN)
        for descriptor, _ in poll.poll(self._patience()):
            if descriptor == self._commands:
                self._hear()
            elif descriptor in talking:
                self._hear_child(talking[descriptor])

    def _patience(self) -> float | None:
        """Milliseconds until something is due; None: nothing is."""
        children = self._children.values()
        if any(child.silent or child.killed for child in children):
            return _REAP_EVERY * 1000
        return max(0.0, min(child.deadline for child in children) - time.monotonic()) * 1000 if children else None

    def _hear(self) -> None:
        data = os.read(self._commands, 65536)
        if not data:
            self._close()
            return
        *lines, self._heard = (self._heard + data).split(b"\n")
        for line in lines:
            self._obey(json.loads(line))

    def _obey(self, command: dict[str, Any]) -> None:
        if "run" in command:
            child = Child(command["run"], command["argv"], command["seconds"], command["stops"])
            self._children[child.key] = child
            self._say({"key": child.key, "pid": child.pid})
        elif command["stop"] in self._children:
            self._children[command["stop"]].stop()

    def _hear_child(self, child: Child) -> None:
        began = b"\n" in child.said
        child.hear()
        if not began and b"\n" in child.said:
            self._say({"key": child.key, "began": True})

    def _reap(self, child: Child) -> None:
        ended = child.reap()
        if ended is None:
            return
        while not child.silent:
            child.hear()
        del self._children[child.key]
        data = child.close()
        said = child.said.decode("utf-8", "replace")
        report = {"key": child.key, "status": ended[0], "cpu": ended[1], "own": time.process_time(), "said": said}
        self._say({**report, "bytes": len(data)}, data)

    def _say(self, message: dict[str, object], payload: bytes = b"") -> None:
        view = memoryview(json.dumps(message).encode() + b"\n" + payload)
        try:
            while view and not self._closing:
                view = view[os.write(self._answers, view) :]
        except OSError:
            self._close()

    def _close(self) -> None:
        """The server is gone: end what it had started."""
        self._closing = True
        for child in self._children.values():
            child.stop()


if __name__ == "__main__":
    Launcher(0, 1).work()
