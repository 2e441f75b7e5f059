"""The same look in every place, and what is left when it ends one way or another."""

from __future__ import annotations

import os
import signal

import pytest

from tests.integration.remote.leftovers import children, is_running, servers
from tests.integration.remote.places import Place, held_look
from tests.support.schemas import validate
from tests.support.services import until

pytestmark = pytest.mark.once


def test_ps_lists_the_service(place: Place) -> None:
    """A service over there is listed with the pid that it has there."""
    document = place.document("ps")
    validate("ps", document)
    assert [(found["pid"], found["agent"]) for found in document["processes"]] == [(place.pid, "ok")]


def test_dump_is_answered_by_the_agent(place: Place) -> None:
    """Names, places and source text come from over there."""
    document = place.document("dump")
    validate("dump", document)
    (stacks,) = document["processes"]
    assert (stacks["pid"], stacks["source"]) == (place.pid, "agent")
    threads = {thread["name"]: thread for thread in stacks["threads"]}
    assert set(threads) == {"MainThread", "waiter-0", "waiter-1"}
    assert threads["MainThread"]["frames"][-1]["source"] == "sys.stdin.read()"


def test_nothing_is_left_over_there(place: Place) -> None:
    """Fault 87a: each look ends with its server, its shell and its carrier; not a zombie stays."""
    for _ in range(3):
        assert place.type("dump").code == 0
    until(lambda: not place.started(), "nothing runs over there that was not there before")


def test_a_carrier_that_is_killed_takes_the_server_along(place: Place) -> None:
    """Fault 10: ssh, podman or kubectl gone by -9: the server over there ends by itself."""
    with held_look(place) as (_, carrier):
        assert servers(place.mark)
        os.kill(carrier, signal.SIGKILL)
        until(lambda: not servers(place.mark), "the server is gone")


def test_a_carrier_that_is_stopped_is_not_waited_for(place: Place) -> None:
    """Fault 10: a stopped carrier keeps every pipe open; only the lease ends the server."""
    with held_look(place) as (_, carrier):
        assert servers(place.mark)
        os.kill(carrier, signal.SIGSTOP)
        try:
            until(lambda: not servers(place.mark), "the server is gone")
        finally:
            os.kill(carrier, signal.SIGKILL)


def test_a_client_that_is_killed_takes_everything_along(place: Place) -> None:
    """Fault 9: the command gone by -9: neither carrier nor server stays."""
    with held_look(place) as (looking, carrier):
        assert servers(place.mark)
        looking.kill()
        until(lambda: not servers(place.mark), "the server is gone")
        until(lambda: not is_running(carrier), "the carrier is gone")


def test_a_client_that_is_stopped_is_not_waited_for(place: Place) -> None:
    """Fault 10: ctrl-Z at a look must not keep a server over there."""
    with held_look(place) as (looking, _):
        assert servers(place.mark)
        looking.send_signal(signal.SIGSTOP)
        until(lambda: not servers(place.mark), "the server is gone")


def test_a_server_that_is_killed_leaves_a_command_that_ends(place: Place) -> None:
    """Fault 10: the server gone by -9: the carrier ends, and the command with it, without a traceback."""
    with held_look(place) as (looking, carrier):
        for pid in servers(place.mark):
            os.kill(pid, signal.SIGKILL)
        until(lambda: not is_running(carrier), "the carrier is gone")
        _, err = looking.communicate("", timeout=30)
        assert (looking.returncode, err) == (0, "")
        assert not children(looking.pid)
