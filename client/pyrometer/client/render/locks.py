"""The text of waiting: what a thread waits for, and the deadlocks, which come before everything else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pyrometer.client.render.places import place
from pyrometer.client.render.terminal import Style, cut, escape

Document = dict[str, Any]
_PASSIVE = frozenset(("Queue", "Event", "Condition", "join"))
"""Kinds of waiting that are a thread's rest: for work, or for others to end."""
_ALWAYS, _OFTEN = 99.0, 10.0
"""Per cent of the readings from which on a thread holds the GIL, and from which on it is said how often."""
_OWN_NAMES = ("self.", "cls.")
_WIDEST_NAME, _WIDEST_THING, _WIDEST_FUNCTION, _SHORTEST_SOURCE = 24, 32, 24, 12


def is_rest(wait: Document | None) -> bool:
    """Whether what a thread waits for is nothing to worry about by itself."""
    return wait is not None and wait["kind"] in _PASSIVE


def wait_text(wait: Document) -> str:
    """What a thread waits for, who holds that, and since where."""
    kind, owner = wait["kind"], wait["owner"]
    if kind == "join":
        return f"waits for {escape(owner)} to end" if owner else f"waits for {thing(wait['name']) or 'threads'} to end"
    text = f"waits for {escape(kind)} {thing(wait['name'])}".rstrip()
    if owner:
        text += f", held by {escape(owner)}"
        if wait.get("taken"):
            text += f" since {escape(place(wait['taken']))}"
    return text


def gil_text(threads: list[Document]) -> str:
    """Whether threads hold the GIL, together, or how often; empty: they do not, or hardly ever."""
    hold = "hold" if len(threads) > 1 else "holds"
    if threads[0].get("gil_percent") is None:
        return f"{hold} the GIL" if threads[0]["holds_gil"] else ""
    percent = sum(thread["gil_percent"] or 0.0 for thread in threads)
    if percent >= _ALWAYS:
        return f"{hold} the GIL"
    return f"{hold} the GIL {percent:.0f} % of the time" if percent >= _OFTEN else ""


def thing(name: str | None) -> str:
    """What is waited for, without the word that everything of an object's own begins with."""
    text = name or ""
    for prefix in _OWN_NAMES:
        text = text.removeprefix(prefix)
    return escape(text)


def deadlock_lines(processes: list[Document], style: Style, width: int) -> Iterator[str]:
    """All deadlocks of all processes; nothing where there is none."""
    for process in processes:
        for number in range(len(process.get("deadlocks") or ())):
            yield from _deadlock(process, number, style, width)
            yield ""


def _deadlock(process: Document, number: int, style: Style, width: int) -> Iterator[str]:
    found = [each for each in process["threads"] if each.get("deadlock") == number and each["waits_for"]]
    threads = _in_order(found)
    if not threads:
        return
    lasted = f" for at least {process['deadlock_seconds']:g} s" if process.get("deadlock_seconds") else ""
    yield style.paint(f"DEADLOCK in {process['pid']}{lasted}", "bold", "red")
    waiters = [threads[-1], *threads[:-1]]
    rows = [row for waiter, thread in zip(waiters, threads, strict=True) for row in _rows(waiter, thread)]
    yield from _lines(rows, style, width)


def _in_order(threads: list[Document]) -> list[Document]:
    """Each after the one that waits for it."""
    by_id = {thread["os_id"]: thread for thread in threads}
    ordered: list[Document] = []
    thread = min(threads, key=lambda each: each["os_id"], default=None)
    while thread is not None and thread not in ordered and thread["waits_for"]:
        ordered.append(thread)
        thread = by_id.get(thread["waits_for"]["owner_os_id"])
    return ordered if len(ordered) == len(threads) else sorted(threads, key=lambda each: str(each["name"]))


def _rows(waiter: Document, thread: Document) -> Iterator[list[str]]:
    """What a thread holds, that is: what its waiter waits for; and what it wants. See `_lines` for the parts."""
    held, wants = waiter["waits_for"], thread["waits_for"]
    name, by = escape(thread["name"]), escape(wants["owner"] or "?")
    if held["kind"] == "join":
        yield [name, "is to end", "", "", "", f"for {escape(waiter['name'])}"]
    else:
        yield [
            name,
            f"holds {_lock(held['taken_name'] or held['name'], held['kind'])}",
            *_where("since", held["taken"]),
            "",
        ]
    frames = thread["frames"]
    frame = frames[min(wants["frame"], len(frames) - 1)] if frames else None
    if wants["kind"] == "join":
        what, why = f"joins {thing(wants['name'])}".rstrip(), f"waits for {by} to end"
    else:
        what, why = f"wants {_lock(wants['name'], wants['kind'])}", f"held by {by}"
    yield ["", what, *_where("in   ", frame), why + (", until its timeout" if wants["timed"] else "")]


def _lock(name: str | None, kind: str) -> str:
    """What a lock is called; of one that nothing in the source names, what it is."""
    return thing(name) or f"a {escape(kind)}"


def _where(word: str, frame: Document | None) -> tuple[str, str, str]:
    """Function, place and source; empty where that is not known."""
    if frame is None:
        return "", "", ""
    return f"{word} {escape(frame['function'].rpartition('.')[2])}", escape(place(frame)), escape(frame["source"] or "")


def _lines(rows: list[list[str]], style: Style, width: int) -> Iterator[str]:
    """Rows of thread, what it does, where, place, source and who is in its way; the source gives way to the rest."""
    most = (_WIDEST_NAME, _WIDEST_THING, _WIDEST_FUNCTION + 6, width, 0, 0)
    widths = [min(limit, max(len(row[i]) for row in rows)) for i, limit in enumerate(most)]
    sources = max(len(row[4]) for row in rows)
    for row in rows:
        cells = [cut(cell, widths[i]).ljust(widths[i]) for i, cell in enumerate(row[:4])]
        front = f"  {'   '.join(cells)}"
        room = width - len(front) - len(row[5]) - 6
        source = cut(row[4], min(room, sources)).ljust(min(room, sources)) if room >= _SHORTEST_SOURCE else ""
        line = "   ".join(part for part in (front, source, row[5]) if part).rstrip()
        name = len(cells[0]) + 2
        yield style.paint(line[:name], "cyan") + line[name:]
