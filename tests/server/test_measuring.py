"""Metrics window after window: agents that are silent, older or gone, and processes that come and go."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from pyrometer.link.errors import LinkClosed, LinkError, Refused
from pyrometer.link.model import Hello
from pyrometer.server.addresses import Address
from pyrometer.server.errors import NotFound
from pyrometer.server.links import AgentBusy
from pyrometer.server.measuring import Failure, Observer, Watch
from pyrometer.server.roster import Candidate

GC = {"enabled": True, "counts": [0], "collections": [1], "collected": 0, "uncollectable": 0, "pause": None}
VITALS = {"gc": GC, "loops": [], "probes": 0}


class Agent:
    """A link to an agent of this process, which answers with the next of `answers`, the last one for ever."""

    def __init__(self, *answers: dict[str, Any] | LinkError, features: tuple[str, ...] = ("vitals",)) -> None:
        self._answers = list(answers) or [VITALS]
        self._features = list(features)
        self.asked: list[str] = []
        self.closed = False

    def await_hello(self, deadline: float) -> Hello:
        return Hello(1, os.getpid(), 0, "shop", "0", "3.11", "cpython", 0, ["python"], self._features, [], [])

    def call(self, operation: str, deadline: float, **fields: Any) -> dict[str, Any]:
        self.asked.append(operation)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, LinkError):
            raise answer
        return answer

    def close(self) -> None:
        self.closed = True


def candidate(opened: Callable[[], Any]) -> Candidate:
    """This process, with an agent that is reached so."""

    class Reached(Candidate):
        def open(self) -> Any:
            return opened()

    return Reached(os.getpid(), (Address(os.getpid(), "somewhere", "shop"),))


def measure(observer: Observer) -> Any:
    return observer.measure(0.02, lambda: False)


def test_an_agent_that_answers_is_asked_again_on_the_same_link() -> None:
    """A link a process, not one a round."""
    opened: list[Agent] = []

    def make() -> Agent:
        opened.append(Agent())
        return opened[-1]

    observer = Observer(candidate(make))
    for _ in range(3):
        assert measure(observer).vitals is not None
    observer.close()
    assert [(agent.closed, len(agent.asked) >= 3) for agent in opened] == [(True, True)]


def test_a_silent_agent_is_not_asked_for_more_until_it_has_answered() -> None:
    """What waits in its socket would all be done once it can."""
    agent = Agent(AgentBusy("busy"), AgentBusy("still"), {}, VITALS)
    observer = Observer(candidate(lambda: agent))
    first = measure(observer)
    assert (first.process.agent, first.vitals, first.unknown["gc"]) == ("busy", None, "its agent did not answer")
    while (metrics := measure(observer)).vitals is None:
        pass
    assert metrics.process.agent == "ok"
    assert agent.asked[:4] == ["vitals", "ping", "ping", "vitals"]


@pytest.mark.parametrize(
    ("error", "state", "said"),
    [(LinkClosed("it ended"), "none", "it ended"), (Refused("the owner says no"), "refused", "the owner says no")],
)
def test_a_link_that_ends_leaves_the_kernels_figures(error: LinkError, state: str, said: str) -> None:
    """And says why the rest is missing."""
    metrics = measure(Observer(candidate(lambda: Agent(error))))
    assert (metrics.process.agent, metrics.vitals) == (state, None)
    assert said in metrics.unknown["event_loops"]
    assert metrics.process.rss > 0


def test_an_older_agent_is_not_asked() -> None:
    """It is there, and does not know the question."""
    agent = Agent(features=("ping",))
    metrics = measure(Observer(candidate(lambda: agent)))
    assert (metrics.process.agent, agent.asked) == ("ok", [])
    assert "of a version that does not tell" in metrics.unknown["gc"]


def test_a_process_that_ends_is_told_once_and_left_out_then() -> None:
    """The others go on."""
    ours = candidate(Agent)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        found = [ours, Candidate(other.pid, ())]
        watch = Watch(lambda: found, lambda: False)
        rounds: list[tuple[int, int, bool]] = []
        for number, result in watch.rounds(0.02, 4):
            failed = isinstance(result, Failure)
            rounds.append((number, result.pid if isinstance(result, Failure) else result.process.pid, failed))
            if number == 0 and not failed and len(rounds) == 2:
                other.kill()
                other.wait()
    assert [(number, failed) for number, pid, failed in rounds if pid == other.pid] == [(0, False), (1, True)]
    assert [number for number, pid, _ in rounds if pid == os.getpid()] == [0, 1, 2, 3]


def test_a_service_that_is_not_there_any_more_ends_a_watch() -> None:
    """That it was never there is an error."""
    answers: list[Any] = [[candidate(Agent)]]

    def find() -> list[Candidate]:
        if answers:
            found: list[Candidate] = answers.pop()
            return found
        raise NotFound("no such service")

    assert [number for number, _ in Watch(find, lambda: False).rounds(0.02, 2)] == [0, 1]
    with pytest.raises(NotFound):
        list(Watch(find, lambda: False).rounds(0.02, 1))


def test_who_hangs_up_ends_a_watch() -> None:
    """Not after all its rounds."""
    assert not list(Watch(lambda: [candidate(Agent)], lambda: True).rounds(0.02, 1000))
