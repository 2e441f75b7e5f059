"""Probes from afar: they fire, and they do not outlive the way to who watches."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.integration.remote.leftovers import children, is_running, servers
from tests.integration.remote.places import Place
from tests.support.services import until

pytestmark = pytest.mark.once


@pytest.fixture
def service_program() -> str:
    """Look at a service that raises and swallows."""
    return "raising"


def test_an_exception_is_caught_with_its_values(place: Place) -> None:
    """Exactly one hit, with the locals of every frame, and what is secret withheld over there."""
    typed = place.type("catch", "PaymentError", "--if", "amount > 1000", "-n", "1", "--for", "20s", "-o", "jsonl")
    assert typed.code == 0, typed.err
    assert "4111" not in typed.out + typed.err
    (hit,) = (event for event in map(json.loads, typed.out.splitlines()) if event["event"] == "hit")
    assert (hit["pid"], hit["exception"]["message"]) == (place.pid, "1200 declined")
    charge, checkout = hit["frames"][:2]
    assert (charge["function"], checkout["function"]) == ("charge", "checkout")
    assert charge["locals"]["amount"]["value"] == 1200
    assert charge["locals"]["card_number"]["kind"] == "redacted"
    until(lambda: not armed(place), "the probe is gone")


@contextlib.contextmanager
def waiting_catch(place: Place) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Arm a probe that never fires; yield the command and the pid of its carrier."""
    python = ("--server-python", *place.interpreter) if place.interpreter else ()
    probe = ("PaymentError", "--if", "amount > 5000", "--for", "5m", "-o", "jsonl")
    command = [sys.executable, "-m", "pyrometer.client", "catch", place.target, *probe, *python]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as catch:
        try:
            assert catch.stdout is not None
            assert json.loads(catch.stdout.readline())["event"] == "armed"
            (carrier,) = children(catch.pid)
            assert armed(place) == 1
            yield catch, carrier
        finally:
            catch.kill()


def armed(place: Place) -> int:
    """Count the probes that the service has, by a look of its own."""
    return len(place.document("probes")["probes"])


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_a_carrier_that_fails_leaves_no_probe(place: Place, how: signal.Signals) -> None:
    """Fault 10: killed or stopped, server and probe are gone, and the command does not wait for ever."""
    with waiting_catch(place) as (catch, carrier):
        os.kill(carrier, how)
        try:
            until(lambda: not armed(place), "the probe is gone")
            until(lambda: not servers(place.mark), "the server is gone")
            until(lambda: catch.poll() is not None, "the command has ended")
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(carrier, signal.SIGKILL)
        assert catch.returncode == 6


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_a_command_that_fails_leaves_no_probe(place: Place, how: signal.Signals) -> None:
    """Fault 9: killed or stopped, nothing is left over there."""
    with waiting_catch(place) as (catch, _):
        catch.send_signal(how)
        until(lambda: not armed(place), "the probe is gone")
        until(lambda: not servers(place.mark), "the server is gone")


def test_ctrl_c_removes_the_probe_before_it_answers(place: Place) -> None:
    """Exit code 130 says that nothing is armed any more, and the carrier has gone with it."""
    with waiting_catch(place) as (catch, carrier):
        catch.send_signal(signal.SIGINT)
        catch.communicate(timeout=30)
        assert catch.returncode == 130
        assert not armed(place)
        until(lambda: not is_running(carrier), "the carrier is gone")
        until(lambda: not place.started(), "nothing is left over there")
