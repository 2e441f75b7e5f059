"""The launcher and the server's side of it: whatever happens, nothing is left running."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pyrometer.link.errors import LinkError
from pyrometer.server.profiling import launcher
from pyrometer.server.profiling.launching import Began, Ended, Launch, Started

DEADLINE = 20.0
PROGRAMS = Path(__file__).with_name("programs")
Event = Started | Began | Ended


def argv(program: str, *arguments: str) -> list[str]:
    return [sys.executable, "-I", "-S", str(PROGRAMS / program), *arguments]


def collect(launch: Launch, enough: Callable[[list[Event]], bool]) -> list[Event]:
    seen: list[Event] = []
    deadline = time.monotonic() + DEADLINE
    while not enough(seen):
        assert time.monotonic() < deadline, seen
        seen.extend(launch.events(0.2))
    return seen


def ended(seen: list[Event]) -> list[Ended]:
    return [event for event in seen if isinstance(event, Ended)]


def is_gone(pid: int) -> bool:
    try:
        return b") Z " in Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return True


def wait_gone(pid: int) -> None:
    deadline = time.monotonic() + DEADLINE
    while not is_gone(pid):
        assert time.monotonic() < deadline, f"{pid} still runs"
        time.sleep(0.02)


def test_a_reader_writes_its_result_without_a_name_in_any_folder() -> None:
    """What a reader writes comes back whole, with its status, its words and its processor time."""
    with Launch() as launch:
        launch.run("a", argv("writer.py", "{output}", "3000000"), 10)
        seen = collect(launch, ended)
    (end,) = ended(seen)
    assert (end.key, end.status, len(end.result), end.said) == ("a", 0, 3_000_000, "begun\ndone\n")
    assert end.cpu > 0
    assert [type(event) for event in seen] == [Started, Began, Ended]


def test_a_stopped_reader_is_asked_politely_first() -> None:
    """`stop` is the signal by which py-spy writes what it has."""
    with Launch() as launch:
        launch.run("a", argv("stubborn.py", "polite"), 60)
        collect(launch, lambda seen: any(isinstance(event, Began) for event in seen))
        launch.stop("a")
        (end,) = ended(collect(launch, ended))
    assert (end.status, end.said) == (0, "begun\ninterrupted\n")


def test_readers_hear_the_polite_signal_where_ctrl_c_is_ignored() -> None:
    """So a shell starts what a script sends to the background: `record` has its samples all the same."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Launch() as launch:
            launch.run("a", argv("stubborn.py", "polite"), 60)
            collect(launch, lambda seen: any(isinstance(event, Began) for event in seen))
            launch.stop("a")
            (end,) = ended(collect(launch, ended))
    finally:
        signal.signal(signal.SIGINT, before)
    assert (end.status, end.said) == (0, "begun\ninterrupted\n")


def test_a_reader_that_will_not_end_is_killed() -> None:
    """Hard time-outs: after the polite signal comes the other one."""
    with Launch() as launch:
        launch.run("a", argv("stubborn.py"), 60)
        collect(launch, lambda seen: any(isinstance(event, Began) for event in seen))
        launch.stop("a")
        (end,) = ended(collect(launch, ended))
    assert end.status == -signal.SIGKILL


def test_several_readers_at_a_time_each_have_their_own_result() -> None:
    """One launcher, many processes: keys tell them apart."""
    with Launch() as launch:
        for number in range(5):
            launch.run(str(number), argv("writer.py", "{output}", str(number)), 10)
        ends = ended(collect(launch, lambda seen: len(ended(seen)) == 5))
    assert {end.key: len(end.result) for end in ends} == {str(number): number for number in range(5)}


def test_a_reader_that_can_not_start_says_why() -> None:
    """A wrong path is a reader that ended, not a launcher that did."""
    with Launch() as launch:
        launch.run("a", ["/nowhere/py-spy"], 10)
        (end,) = ended(collect(launch, ended))
    assert end.status == 127
    assert "/nowhere/py-spy" in end.said


def test_closing_ends_and_reaps_all() -> None:
    """After the `with` block neither a reader nor the launcher is there, not as a zombie either."""
    with Launch() as launch:
        launch.run("a", argv("stubborn.py"), 60)
        (started,) = collect(launch, lambda seen: len(seen) >= 1)[:1]
        process = launch._process
    assert isinstance(started, Started)
    assert process.returncode is not None
    wait_gone(started.pid)


@pytest.mark.parametrize("how", ["server", "launcher"])
def test_nothing_outlives_a_server_or_launcher_that_is_killed(how: str) -> None:
    """-9 anywhere: the end of stdin ends the launcher, PR_SET_PDEATHSIG the readers (faults 10, 87a)."""
    server = subprocess.Popen(
        [sys.executable, str(PROGRAMS / "serving.py"), *argv("stubborn.py")], stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    launcher_pid, reader_pid = (int(word) for word in server.stdout.readline().split())
    try:
        os.kill(server.pid if how == "server" else launcher_pid, signal.SIGKILL)
        wait_gone(reader_pid)
        wait_gone(launcher_pid)
    finally:
        server.kill()
        server.wait()
        server.stdout.close()


def test_a_launcher_that_died_is_an_error_and_no_hang() -> None:
    """Whoever waits for its reports hears of it."""
    with Launch() as launch:
        launch._process.kill()
        with pytest.raises(LinkError) as raised:
            collect(launch, lambda seen: False)
    assert raised.value.reason == "OUTSIDE_FAILED"


def test_it_imports_without_site_packages() -> None:
    """It runs with `-I -S`: what it imports is the standard library's."""
    code = subprocess.run([sys.executable, "-I", "-S", launcher.__file__], stdin=subprocess.DEVNULL, check=False)
    assert code.returncode == 0


def test_a_process_that_a_killed_reader_left_stopped_goes_on() -> None:
    """A reader that is killed between stopping it and seeing it stopped would leave it so for ever (fault 4)."""
    with subprocess.Popen(argv("stubborn.py", "polite"), stdout=subprocess.PIPE) as target, Launch() as launch:
        try:
            launch.run("a", argv("stopper.py", str(target.pid)), 0.2, stops=target.pid)
            collect(launch, ended)
            deadline = time.monotonic() + DEADLINE
            while state(target.pid) == "T":
                assert time.monotonic() < deadline, "it stands still"
                time.sleep(0.02)
        finally:
            target.kill()


def test_a_process_that_stood_still_before_is_left_so() -> None:
    """Whoever stopped it had a reason: fault 4."""
    with subprocess.Popen(argv("stubborn.py", "polite"), stdout=subprocess.PIPE) as target, Launch() as launch:
        try:
            target.send_signal(signal.SIGSTOP)
            launch.run("a", argv("writer.py", "{output}", "1"), 10, stops=target.pid)
            collect(launch, ended)
            assert state(target.pid) == "T"
        finally:
            target.kill()


def state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
