"""Waits and deadlocks: what the agent saw in two looks, and what may be said of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from pyrometer.link.errors import LinkClosed
from pyrometer.server.stacks import Deadlock, Frame, ThreadStack, Wait

_KINDS = frozenset(("Lock", "RLock", "Condition", "Semaphore", "Event", "Queue", "Future", "join"))
_STILL = 1.0
"""Per cent of a core between the looks under which a thread that stands in the same place has not run."""
_MAX_NAME = 200
_ANOTHER_SHAPE = "the agent's waits have another shape than agreed"


class Edge(NamedTuple):
    """That a thread waits for something that another one holds; equal in two looks if it is the same wait."""

    thread: int
    owner: int
    lock: int
    kind: str


def with_waits(threads: tuple[ThreadStack, ...], reply: Mapping[str, Any]) -> tuple[ThreadStack, ...]:
    """Threads with what the agent's reply says that they wait for. Raises LinkClosed: it has another shape than agreed.

    A reply of an agent that does not know of locks says nothing.
    """
    try:
        by_ident = {thread.ident: thread for thread in threads if thread.ident}
        found = {int(each["thread"]): _wait(each, by_ident, reply["codes"]) for each in reply.get("waits", ())}
    except (KeyError, TypeError, ValueError, IndexError, OverflowError, AttributeError):
        raise LinkClosed(_ANOTHER_SHAPE) from None
    return tuple(replace(thread, waits_for=found.get(thread.ident)) for thread in threads)


def deadlocks(
    first: Mapping[str, Any], second: Mapping[str, Any], threads: Sequence[ThreadStack], seconds: float
) -> tuple[Deadlock, ...]:
    """The circles of waiting that both replies have, of threads that stood still in between.

    One look is not enough: its threads are read one after the other, and what the first of them waited for may have
    been let go of by the time that the last one was read.
    """
    edges = {edge.thread: edge for edge in _edges(first) & _edges(second)}
    still = {thread.ident: index for index, thread in enumerate(threads) if _stood_still(thread)}
    circles = (circle for circle in _circles(edges) if all(ident in still for ident in circle))
    return tuple(Deadlock(tuple(still[ident] for ident in circle), seconds) for circle in circles)


def settled(threads: tuple[ThreadStack, ...], found: Sequence[Deadlock]) -> tuple[ThreadStack, ...]:
    """Threads without the waits for themselves that are no deadlock: who has just got a lock was seen on the way."""
    stuck = {index for deadlock in found for index in deadlock.threads}
    return tuple(
        replace(thread, waits_for=None) if index not in stuck and _waits_for_itself(thread) else thread
        for index, thread in enumerate(threads)
    )


def _waits_for_itself(thread: ThreadStack) -> bool:
    wait = thread.waits_for
    return wait is not None and wait.owner == thread.name and wait.owner_id == thread.native_id


def _wait(told: Mapping[str, Any], threads: Mapping[int, ThreadStack], codes: Sequence[Any]) -> Wait | None:
    if told["kind"] not in _KINDS:
        return None
    owner = threads.get(int(told["owner"]))
    wait = Wait(
        kind=str(told["kind"]),
        name=str(told["name"])[:_MAX_NAME],
        owner=owner.name if owner else None,
        owner_id=owner.native_id if owner else 0,
        frame=int(told["at"]),
        timed=told["timed"] is True,
    )
    if told["taken"] is None:
        return wait
    number, line, name = told["taken"]
    function, file, module = codes[number]
    frame = Frame(str(function), str(file), int(line), str(module))
    return replace(wait, taken=frame, taken_name=str(name)[:_MAX_NAME])


def _edges(reply: Mapping[str, Any]) -> set[Edge]:
    """Who waits for whom. A wait for a thread to end counts unless it may give up: then it is a way of looking on."""
    try:
        return {
            Edge(int(each["thread"]), int(each["owner"]), int(each["lock"]), str(each["kind"]))
            for each in reply.get("waits", ())
            if each["owner"] and (each["lock"] or not each["timed"])
        }
    except (KeyError, TypeError, ValueError, OverflowError):
        raise LinkClosed(_ANOTHER_SHAPE) from None


def _circles(edges: Mapping[int, Edge]) -> Iterator[tuple[int, ...]]:
    """Each circle once, from its smallest ident on: a thread waits for one thing at a time, so none share a thread."""
    done: set[int] = set()
    for start in sorted(edges):
        path: list[int] = []
        at = start
        while at in edges and at not in done:
            done.add(at)
            path.append(at)
            at = edges[at].owner
        if at in path:
            yield tuple(path[path.index(at) :])


def _stood_still(thread: ThreadStack) -> bool:
    return thread.moved is False and (thread.cpu_percent or 0.0) < _STILL
