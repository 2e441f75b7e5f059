"""ps and dump against real processes: what is there is shown, and nothing is left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.schemas import validate
from tests.support.services import crowd, program, pyrometer, until


def test_ps_lists_a_service(unique: str) -> None:
    """A process with the agent is there under its service's name, and its document keeps to its schema."""
    with program("idle", unique) as process:
        typed = pyrometer("ps", unique, "-o", "json")
        assert typed.code == 0, typed.err
        validate("ps", typed.document)
        (found,) = typed.document["processes"]
        assert (found["pid"], found["service"], found["agent"]) == (process.pid, unique, "ok")
        assert found["threads"] == 3


def test_dump_shows_every_thread_by_its_agent(unique: str) -> None:
    """Names, ids, places, and that nobody has moved."""
    with program("idle", unique) as process:
        typed = pyrometer("dump", unique, "-o", "json")
        assert typed.code == 0, typed.err
        validate("dump", typed.document)
        (stacks,) = typed.document["processes"]
        assert (stacks["pid"], stacks["source"]) == (process.pid, "agent")
        names = {thread["name"]: thread for thread in stacks["threads"]}
        assert set(names) == {"MainThread", "waiter-0", "waiter-1"}
        assert names["MainThread"]["os_id"] == process.pid
        waiter = names["waiter-0"]
        assert (waiter["state"], waiter["moved"]) == ("waiting", False)
        assert waiter["frames"][1]["function"] == "Event.wait"
        own = names["MainThread"]["frames"][-1]
        assert (own["origin"], own["source"]) == ("service", "sys.stdin.read()")


def test_a_look_leaves_nothing_behind(unique: str) -> None:
    """No thread, descriptor or child that was not there before."""
    with program("idle", unique) as process:
        before = _belongings(process.pid)
        for _ in range(5):
            assert pyrometer("dump", unique).code == 0
        until(lambda: _belongings(process.pid) == before, "the service is as it was")


def test_dump_with_the_gil_held_names_the_holder(unique: str) -> None:
    """Fault 5: answered from outside, saying so and why."""
    with program("hold_gil", unique):
        typed = pyrometer("dump", unique, "-o", "json")
        assert typed.code == 0, typed.err
        (stacks,) = typed.document["processes"]
        assert stacks["source"] == "outside"
        assert "holds the GIL" in stacks["reason"]
        (holder,) = [thread for thread in stacks["threads"] if thread["holds_gil"]]
        assert holder["frames"][-1]["file"].endswith("hold_gil.py")
        assert all(frame["locals"] is None for frame in holder["frames"])
        recorded = pyrometer("record", unique, "-d", "1s", "--source", "agent")
        assert (recorded.code, "the GIL is held" in recorded.err) == (5, True), recorded.err


def test_an_agent_whose_queue_is_full_is_busy(unique: str) -> None:
    """Each look at a held GIL leaves a connection in its queue; the next one is answered from outside all the same."""
    with program("hold_gil", unique) as process, contextlib.ExitStack() as waiting:
        crowd(_address(process.pid), waiting)
        (found,) = pyrometer("ps", unique, "-o", "json").document["processes"]
        assert found["agent"] == "busy"
        for target in (unique, str(process.pid)):
            typed = pyrometer("dump", target, "-o", "json")
            assert typed.code == 0, typed.err
            assert "holds the GIL" in typed.document["processes"][0]["reason"]


@pytest.mark.needs("root")
def test_another_users_process_is_not_looked_into_by_a_name_that_it_claims(unique: str) -> None:
    """It is told nothing, and who looks is told of it, with its user."""
    with program("idle", unique), program("claimer", unique) as stranger:
        shown = {process["pid"]: process for process in pyrometer("ps", unique, "-o", "json").document["processes"]}
        assert [process["agent"] for pid, process in shown.items() if pid != stranger.pid] == ["ok"]
        assert shown[stranger.pid]["agent"] == "refused"
        told = f"process {stranger.pid} calls itself {unique} and is of user 65000"
        assert told in pyrometer("ps", unique).err
        typed = pyrometer("dump", unique)
        assert (typed.code, "MainThread" in typed.out, told in typed.err) == (0, True, True)
        caught = pyrometer("catch", unique, "ValueError", "--if", "exc.args[0] == 4711", "--for", "1s")
        assert told in caught.err
        stranger.terminate()
        assert stranger.stdout
        assert stranger.stdout.read() == ""


def test_dump_of_a_stopped_process_says_so(unique: str) -> None:
    """Fault 4: and its state is unchanged afterwards."""
    with program("idle", unique) as process:
        os.kill(process.pid, signal.SIGSTOP)
        until(lambda: _state(process.pid) == "T", "the process is stopped")
        typed = pyrometer("dump", unique, "-o", "json")
        assert typed.code == 0, typed.err
        assert "stopped" in typed.document["processes"][0]["reason"]
        assert _state(process.pid) == "T"
        os.kill(process.pid, signal.SIGCONT)
        until(
            lambda: pyrometer("dump", unique, "-o", "json").document["processes"][0]["source"] == "agent", "it answers"
        )


@pytest.mark.parametrize("flags", [("-W", "error"), ()], ids=["warnings are errors", "default flags"])
def test_forks_beside_a_look_lose_no_child(unique: str, flags: tuple[str, ...]) -> None:
    """Faults 16 and 26b: 300 children, none lost, nothing on stderr."""
    with program("forker", unique, "300", flags=flags) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        process.stdin.write("\n")
        process.stdin.flush()
        assert pyrometer("dump", unique).code == 0
        assert process.stdout.readline() == "300 ended well\n"
        process.stdin.close()
        assert process.stderr.read() == ""


@pytest.mark.slow
@pytest.mark.parametrize("source", ["outside", "agent"])
@pytest.mark.parametrize("flags", [("-W", "error"), ()], ids=["warnings are errors", "default flags"])
def test_forks_beside_a_recording_lose_no_child(
    unique: str, source: str, flags: tuple[str, ...], tmp_path: Path
) -> None:
    """Fault 16: 2,000 children while a stream is open and samples are taken, none lost, nothing on stderr."""
    out = tmp_path / "profile.pb.gz"
    words = ["record", unique, "-d", "10m", "--source", source, "--mode", "wall", "-f", "pprof", "--out", str(out)]
    with program("forker", unique, "2000", flags=flags) as process:
        before = _belongings(process.pid)
        with subprocess.Popen([sys.executable, "-m", "pyrometer.client", *words], stderr=subprocess.PIPE) as record:
            until(lambda: record.poll() is not None or _belongings(process.pid) > before, "the stream is open")
            assert process.stdin
            assert process.stdout
            assert process.stderr
            process.stdin.write("\n")
            process.stdin.flush()
            assert process.stdout.readline() == "2000 ended well\n"
            assert record.poll() is None, record.communicate()
            record.send_signal(signal.SIGINT)
            _, said = record.communicate(timeout=30)
        assert record.returncode == 0, said
        assert out.stat().st_size > 0
        until(lambda: _belongings(process.pid) == before, "the service is as it was")
        process.stdin.close()
        assert process.stderr.read() == ""


def test_a_service_that_closes_everything_keeps_its_connections(unique: str) -> None:
    """Fault 26a: none of its connections is taken, and the agent can be reached, more than once."""
    with program("closer", unique) as process:
        ports = [int(word) for word in process.first_line.split()[1:]]  # type: ignore[attr-defined]
        for _ in range(3):
            assert pyrometer("dump", unique).code == 0
            for port in ports:
                with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
                    assert connection.recv(10) == b"mine"


def test_garbage_costs_the_sender_its_connection(unique: str) -> None:
    """Fault 71: a wrong frame, a length of 4 GiB, 50 connections; the agent goes on."""
    with program("idle", unique) as process:
        name = _address(process.pid)
        for data in (b"\xff\xff\xff\xff", b"GET / HTTP/1.1\r\n\r\n", b"\x00\x00\x00\x02[]"):
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(10)
                connection.connect(name)
                connection.sendall(data)
                while connection.recv(65536):
                    pass
        crowd = [socket.socket(socket.AF_UNIX) for _ in range(12)]
        for connection in crowd:
            connection.connect(name)
        for connection in crowd:
            connection.close()
        until(lambda: pyrometer("dump", unique).code == 0, "the agent answers")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("dump", "no-such-service-here"), 3, "no process of a service"),
        (("dump", "99999999"), 3, "no process 99999999"),
        (("ps", "--pid", "0"), 2, "--pid"),
        (("dump", "http://x"), 2, "not a target"),
        (("dmp",), 2, "Did you mean dump?"),
        (("run",), 2, "needs a command"),
        (("run", "--", "no-such-command-here"), 127, "no command"),
        (("dump", "1", "-o", "yaml"), 2, "yaml"),
    ],
)
def test_a_wrong_command_line_is_told(arguments: tuple[str, ...], code: int, words: str) -> None:
    """A clear error, the right exit code, and never a traceback."""
    typed = pyrometer(*arguments)
    assert (typed.code, typed.out) == (code, "")
    assert words in typed.err
    assert "Traceback" not in typed.err


def test_dump_of_what_is_not_python() -> None:
    """Fault 2: it names what was found."""
    with subprocess.Popen(["sleep", "60"]) as process:
        typed = pyrometer("dump", str(process.pid))
        process.kill()
    assert typed.code == 1
    assert "is not Python" in typed.err


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def _belongings(pid: int) -> tuple[int, int]:
    return len(list(Path(f"/proc/{pid}/task").iterdir())), len(list(Path(f"/proc/{pid}/fd").iterdir()))


def _address(pid: int) -> str:
    lines = Path("/proc/net/unix").read_text().splitlines()
    (name,) = [line.split()[-1] for line in lines if f".{pid}." in line and "@pyrometer." in line]
    return "\0" + name[1:]
