"""gunicorn as the first process of a pid namespace, as in a container: looks of all kinds, and it runs on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.integration.remote.leftovers import MARK, children, is_running, marked, new_mark, servers
from tests.support.belongings import Belongings, belongings, settled
from tests.support.servers import end, free_port, get, gunicorn_command
from tests.support.services import until

LOOKS = (
    ("ps",),
    ("dump",),
    ("record", "-d", "1s", "--mode", "wall", "-f", "pprof", "--out"),
    ("catch", "PaymentError", "--for", "1s"),
    ("snap", "web:wsgi", "--for", "1s"),
)
ROUNDS = 4

pytestmark = [pytest.mark.needs("gunicorn", "namespaces"), pytest.mark.slow, pytest.mark.once]


class Space(NamedTuple):
    """A pid namespace with gunicorn as its first process; `first` is that one's pid out here."""

    first: int
    service: str
    port: int
    mark: str
    folder: Path

    @property
    def profile(self) -> Path:
        """Where `record` writes."""
        return self.folder / "profile.pb.gz"

    def look(self, verb: str, *options: str) -> subprocess.Popen[bytes]:
        """Start a look from inside."""
        options = (*options, str(self.profile)) if verb == "record" else options
        enter = ["nsenter", "--target", str(self.first), "--pid", "--mount", "--root"]
        words = [sys.executable, "-m", "pyrometer.client", verb, self.service, *options]
        return subprocess.Popen(
            [*enter, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.environment()
        )

    def environment(self) -> dict[str, str]:
        """What all in it carry."""
        return {**os.environ, "HOME": str(self.folder), "TMPDIR": str(self.folder), MARK: self.mark}

    def agents(self) -> int:
        """How many processes inside answer."""
        return sum(process["agent"] == "ok" for process in self._listed("ps", "processes"))

    def probes(self) -> int:
        """How many probes are armed inside."""
        return len(self._listed("probes", "probes"))

    def belongings(self) -> Belongings:
        """What its processes have now."""
        return belongings(self.mark, self.folder)

    def _listed(self, verb: str, key: str) -> list[Any]:
        with self.look(verb, "-o", "json") as look:
            out, _ = look.communicate()
        listed: list[Any] = json.loads(out)[key] if look.returncode == 0 else []
        return listed


@pytest.fixture
def space(unique: str, tmp_path: Path) -> Iterator[Space]:
    """Start it with two workers."""
    port, mark = free_port(), new_mark()
    unshare = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
    run = [sys.executable, "-m", "pyrometer.client", "run", "--service", unique, "--"]
    started = Space(0, unique, port, mark, tmp_path)
    process = subprocess.Popen(
        [*unshare, *run, *gunicorn_command(port, "-w", "2")], cwd=tmp_path, env=started.environment()
    )
    try:
        until(lambda: get(port) is not None, "gunicorn answers")
        (first,) = children(process.pid)
        found = started._replace(first=first)
        until(lambda: found.agents() == 3, "all have agents")
        yield found
    finally:
        process.kill()
        end(process, mark)


def test_it_outlives_looks_that_are_killed(space: Space) -> None:
    """Fault 87a: twenty looks, half of them killed in the middle; the service runs, no zombie, no orphan."""
    space.profile.touch()
    before = settled(space.belongings)
    for number, words in enumerate(LOOKS * ROUNDS):
        with space.look(*words) as look:
            if number % 2:
                until(lambda: look.poll() is not None or servers(space.mark), "its server is there")
                time.sleep(number / len(LOOKS * ROUNDS))  # each at another moment: none is asserted
                for client in children(look.pid):
                    os.kill(client, signal.SIGKILL)
            _, said = look.communicate()
            assert look.returncode in (0, 5, -signal.SIGKILL, 128 + signal.SIGKILL), said
    assert space.profile.stat().st_size > 0
    assert is_running(space.first)
    assert get(space.port) is not None
    assert (space.agents(), space.probes()) == (3, 0)
    until(lambda: space.belongings() == before, f"nothing is left: {before}, {sorted(marked(space.mark))}")
