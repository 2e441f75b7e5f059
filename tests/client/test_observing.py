"""Some seconds of a service, from a server that is made up: what fails, ends or is late meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from pyrometer.client.errors import ClientError, NotFound, NothingCaptured, TargetGone
from pyrometer.client.observing import Observer
from pyrometer.client.options import Where
from pyrometer.client.targets import LocalTarget, RemoteOptions
from pyrometer.v1 import error_pb2, metrics_pb2, process_pb2, process_service_pb2, stack_pb2, stack_service_pb2

SHOP = Where(LocalTarget("shop"), RemoteOptions())


class Server:
    """Answers looks and one watch; each look takes the next of `looks`, the last one for ever."""

    def __init__(self, *looks: list[Any] | ClientError, rounds: list[Any] | ClientError | None = None) -> None:
        self._looks = list(looks)
        self._rounds = rounds or []

    def call(self, method: str, request: Any, *, timeout: float | None = None) -> Iterator[Any]:
        if method == "WatchMetrics":
            return self._give(self._rounds)
        return self._give(self._looks.pop(0) if len(self._looks) > 1 else self._looks[0])

    @staticmethod
    def _give(answers: list[Any] | ClientError) -> Iterator[Any]:
        if isinstance(answers, ClientError):
            raise answers
        yield from answers


def stack(pid: int) -> Any:
    return stack_service_pb2.DumpStacksResponse(process=stack_pb2.ProcessStacks(pid=pid))


def refused(pid: int) -> Any:
    detail = error_pb2.ErrorDetail(reason="NOT_PERMITTED", message="no")
    return stack_service_pb2.DumpStacksResponse(error=error_pb2.ProcessError(pid=pid, error=detail))


def usage(pid: int, number: int) -> Any:
    metrics = metrics_pb2.ProcessMetrics(process=process_pb2.Process(pid=pid), round=number)
    return process_service_pb2.WatchMetricsResponse(process=metrics)


def observe(server: Server, seconds: float = 0.3) -> Any:
    return Observer(server, SHOP, seconds, lambda share: None).observe()  # type: ignore[arg-type]


def test_looks_and_rounds_come_together() -> None:
    """Processes in the order of their pids, rounds as they were."""
    seen = observe(Server([stack(9), stack(7)], rounds=[usage(7, 0), usage(9, 0), usage(7, 1)]))
    assert [process["pid"] for process in seen.looks[0]] == [7, 9]
    assert [len(processes) for processes in seen.rounds] == [2, 1]
    assert [process.pid for process in seen.processes] == [7, 9]


def test_an_error_of_one_process_is_kept_once() -> None:
    """However often it is asked."""
    seen = observe(Server([stack(7), refused(8)]), 1.0)
    assert len(seen.looks) > 1
    assert [error["pid"] for error in seen.errors] == [8]


def test_nothing_there_is_said_at_once() -> None:
    """Not after all the seconds."""
    with pytest.raises(NotFound):
        observe(Server(NotFound("there is no such service")), 60.0)


def test_what_ends_meanwhile_is_judged_by_what_was_seen() -> None:
    """Its first looks count."""
    seen = observe(Server([stack(7)], TargetGone("it is gone"), rounds=TargetGone("it is gone")), 1.0)
    assert len(seen.looks) == 1


def test_a_server_that_is_late_is_done_without() -> None:
    """Whatever came in time counts; nothing at all is said to be nothing."""
    assert observe(Server([stack(7)], rounds=NothingCaptured("late"))).rounds == ()
    with pytest.raises(NothingCaptured):
        observe(Server(NothingCaptured("late"), rounds=NothingCaptured("late")))
