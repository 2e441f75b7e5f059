"""What keeps threads from running: deadlocks, a lock that somebody does not give back, the GIL, a stop, the disk."""

from __future__ import annotations

from collections.abc import Iterator

from pyrometer.client.findings.commands import Commands
from pyrometer.client.findings.observation import Document, Finding, Observations, Process, Thread, own_frame
from pyrometer.client.findings.wording import at, looks, names

_MOSTLY = 0.8
"""Share of the looks from which on something is no passing state."""
_OFTEN = 0.5
_IDLE_CPU = 5.0
_ASLEEP = ": it waits in a C call that does not release the GIL"
_MUTEX = ("Lock", "RLock")
"""What one thread has and others wait for; to wait for a queue or an event is to be idle."""


def find(seen: Observations, commands: Commands) -> Iterator[Finding]:
    """All that is found of this kind."""
    for process in seen.processes:
        if process.looks:
            yield from _of_process(process, commands)


def deadlocked(process: Process) -> list[list[Document]]:
    """Threads that wait for each other, each cycle in the order of who waits for whom, as the last look has them.

    Only what the look before it has as well: a deadlock does not go away. From outside none can be told.
    """
    told = [look for look in process.looks if look["source"] != "outside"][-2:]
    lasting = [_members(look) for look in told]
    return [
        cycle
        for cycle in (_cycles(told[-1]) if told else ())
        if all(frozenset(thread["os_id"] for thread in cycle) in members for members in lasting)
    ]


def may_be_deadlocked(process: Process) -> bool:
    """Whether a deadlock was seen, were it once, or could not be seen at all."""
    told = [look for look in process.looks if look["source"] != "outside" and "deadlocks" in look]
    return not told or any(look["deadlocks"] for look in told)


def _cycles(look: Document) -> list[list[Document]]:
    """The threads of each deadlock of a look."""
    found = []
    for number, order in enumerate(look.get("deadlocks") or ()):
        members = [thread for thread in look["threads"] if thread.get("deadlock") == number]
        found.append(_from_the_least(sorted(members, key=lambda thread: order.index(thread["name"]))))
    return [cycle for cycle in found if cycle]


def _from_the_least(cycle: list[Document]) -> list[Document]:
    """A cycle has no beginning: it is told in the same way each time."""
    first = min(range(len(cycle)), key=lambda index: str(cycle[index]["name"]), default=0)
    return cycle[first:] + cycle[:first]


def _members(look: Document) -> set[frozenset[int]]:
    return {frozenset(thread["os_id"] for thread in cycle) for cycle in _cycles(look)}


def _of_process(process: Process, commands: Commands) -> Iterator[Finding]:
    if process.looks and all(_is_stopped(look) for look in process.looks):
        yield _stopped(process)
        return
    cycles = deadlocked(process)
    for cycle in cycles:
        yield _deadlock(process, cycle, commands)
    yield from _holder(process, commands)
    locked = {thread["name"] for cycle in cycles for thread in cycle}
    yield from _locks(process, locked, commands)
    yield from (_disk(thread, commands) for thread in process.threads if _is_at_disk(thread))


def _is_stopped(look: Document) -> bool:
    return bool(look["threads"]) and all(thread["state"] == "stopped" for thread in look["threads"])


def _stopped(process: Process) -> Finding:
    return Finding(
        f"{process.pid} is stopped",
        "critical",
        (f"all of its threads were stopped in all {len(process.looks)} looks, by a signal or a debugger",),
        process.pid,
        next=f"grep -E 'State|TracerPid' /proc/{process.pid}/status",
    )


def _deadlock(process: Process, cycle: list[Document], commands: Commands) -> Finding:
    who = [thread["name"] for thread in cycle]
    alone = len(who) == 1
    what = "waits for itself" if alone else "wait for each other"
    return Finding(
        f"deadlock in {process.pid}: {names(who)} {what} for ever",
        "critical",
        tuple(_wants(thread) for thread in cycle),
        process.pid,
        who[0],
        commands.type("dump", process.pid),
        weight=2.0,
    )


def _wants(thread: Document) -> str:
    """What a thread waits for, where, and who has taken it where."""
    wait = thread["waits_for"] or {}
    what = wait.get("name") or (f"a {wait['kind']}" if wait.get("kind") else "something")
    text = f"{thread['name']} waits in {at(own_frame(thread['frames']))} for {what}"
    if not wait.get("owner"):
        return text
    taken = f" took in {at(wait['taken'])}" if wait.get("taken") else " has"
    return f"{text}, which {wait['owner']}{taken}"


def _holder(process: Process, commands: Commands) -> Iterator[Finding]:
    """A thread that does not give the GIL back: nobody else runs, the agent included."""
    if not all(look["source"] == "outside" and look.get("service") for look in process.looks):
        return
    for thread in process.threads:
        held = thread.share(lambda look: look["holds_gil"] and look["moved"] is False)
        if held >= _MOSTLY and len(thread.looks) == len(process.looks):
            count = round(held * len(thread.looks))
            yield Finding(
                f"{thread.name} of {process.pid} holds the GIL and does not let go",
                "critical",
                (
                    f"it was in {at(own_frame(thread.looks[-1]['frames']))} {looks(count, len(thread.looks))}",
                    f"{thread.cpu_percent:.0f} % of a core" + (_ASLEEP if thread.cpu_percent < _IDLE_CPU else ""),
                    "no other Python thread of the process runs, and the agent could not answer",
                ),
                process.pid,
                thread.name,
                commands.type("dump", process.pid),
                weight=1.0,
            )


def _locks(process: Process, locked: set[str], commands: Commands) -> Iterator[Finding]:
    """Locks that threads waited for in most looks, by who has them."""
    waiting: dict[str, list[Thread]] = {}
    for thread in process.threads:
        owner = _owner(thread)
        if owner and thread.name not in locked and len(thread.looks) > 1:
            waiting.setdefault(owner, []).append(thread)
    owners = {thread.name: thread for thread in process.threads}
    for owner, threads in waiting.items():
        yield _lock(process, owner, owners.get(owner), threads, commands)


def _owner(thread: Thread) -> str:
    """Who has the lock that it waited for in most looks; empty: it did not, or that is not known."""
    waits = [look["waits_for"] for look in thread.looks]
    owned = [wait["owner"] for wait in waits if wait and wait["kind"] in _MUTEX and wait["owner"]]
    last = owned[-1] if owned else ""
    return str(last) if owned.count(last) >= _MOSTLY * len(waits) else ""


def _lock(process: Process, owner: str, holder: Thread | None, threads: list[Thread], commands: Commands) -> Finding:
    first = threads[0]
    who = names([thread.name for thread in threads])
    evidence = [f"{who} waited in {at(own_frame(first.looks[-1]['frames']))} in nearly all {len(first.looks)} looks"]
    if holder is not None:
        evidence.append(f"{owner} is in {at(own_frame(holder.looks[-1]['frames']))}")
    return Finding(
        f"{len(threads)} {'thread waits' if len(threads) == 1 else 'threads wait'} for a lock that {owner} has",
        "high",
        tuple(evidence),
        process.pid,
        owner,
        commands.type("dump", process.pid),
        weight=len(threads) / 100,
    )


def _is_at_disk(thread: Thread) -> bool:
    return len(thread.looks) > 1 and thread.share(lambda look: look["state"] == "blocked") >= _OFTEN


def _disk(thread: Thread, commands: Commands) -> Finding:
    count = sum(look["state"] == "blocked" for look in thread.looks)
    return Finding(
        f"{thread.name} of {thread.pid} waits for a disk",
        "medium",
        (f"it was asleep without a way to wake it {looks(count, len(thread.looks))}, in {at(thread.place)}",),
        thread.pid,
        thread.name,
        commands.type("record", thread.pid, "--mode wall -d 10s"),
    )
