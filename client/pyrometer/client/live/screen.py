"""The screen of `top`: a state and a round in, lines out. It knows no terminal."""

from __future__ import annotations

from dataclasses import dataclass

from pyrometer.client.live import tables
from pyrometer.client.live.rounds import Round
from pyrometer.client.live.state import HELP, STACK_HELP, State, marked
from pyrometer.client.live.tables import Key, ThreadRow
from pyrometer.client.profile import hottest, table
from pyrometer.client.profile.model import Profile
from pyrometer.client.render import failures
from pyrometer.client.render.terminal import Style, cut, escape

_AROUND = 5
"""Lines that are no rows: two of what it is, an empty one, the heading, the keys."""
_MOST_NOTES = 2


@dataclass(frozen=True, slots=True)
class Screen:
    """A drawn screen: its lines, and the rows that keys can reach."""

    lines: list[str]
    rows: list[Key]


def draw(state: State, found: Round | None, style: Style, size: tuple[int, int], whole: float) -> Screen:
    """Draw a screen of `size` columns and lines, never more; `whole`: seconds until it ends by itself."""
    width, height = size
    if found is None:
        return Screen(["» reading; the first figures come after two seconds", cut("q end", width)][:height], [])
    head = _head(state, found, style, width, whole)
    notes = [cut(note, width) for note in _notes(found)][:_MOST_NOTES]
    room = max(1, height - _AROUND - len(notes))
    body, rows = _body(state, found, style, width, room)
    used = len(head) + len(notes) + len(body) + 1
    keys = style.paint(cut(STACK_HELP if state.opened else HELP, width), "dim")
    return Screen([*head, *notes, *body, *[""] * max(0, height - used), keys][:height], rows)


def text(found: Round, style: Style, width: int, rows: int = 10) -> list[str]:
    """A round as plain lines: the hottest functions, the hottest threads."""
    lines = [_what(found)]
    if found.profile is not None:
        functions, _ = _functions(State(), found.profile, style, width, rows)
        threads, _ = _threads(State(), found.profile, style, width, rows)
        lines += ["", *functions, "", *threads]
    return [*lines, *_notes(found), ""]


def _head(state: State, found: Round, style: Style, width: int, whole: float) -> list[str]:
    view = "threads" if state.threads else f"functions by {'total' if state.by_total else 'self'}"
    time = f"last {found.seconds:.0f} s    {found.elapsed:.0f} of {whole:.0f} s"
    paused = "PAUSED, space goes on    " if state.paused else ""
    return [cut(_what(found), width), style.paint(cut(f"{paused}{view}    {time}", width), "dim"), ""]


def _what(found: Round) -> str:
    """What is read, how, and what it costs."""
    summary, profile = found.summary, found.profile
    count = len(summary.pids)
    name = profile.service if profile and profile.service else "process"
    missed = summary.missed / max(1, summary.missed + summary.samples)
    source = {1: "the agent", 2: "py-spy", 3: "py-spy and the agents"}.get(summary.source, "py-spy")
    of = f" of {summary.rate_asked}" if summary.rate < 0.9 * summary.rate_asked else ""
    parts = [
        f"{name}, {count} process{'' if count == 1 else 'es'}",
        f"{summary.samples:,} samples{f' ({100 * missed:.1f} % missed)' if summary.missed else ''}",
        f"{source} at {summary.rate:.0f} Hz{of}",
        f"own cost {100 * summary.own_cpu_seconds / max(found.seconds, 0.1):.0f} % of a core",
    ]
    return escape(", ".join(parts))


def _notes(found: Round) -> list[str]:
    """What to know beside the figures."""
    notes = [f"» {escape(found.summary.reason)}"] if found.summary.reason else []
    return [*notes, *failures.lines(found.errors)]


def _body(state: State, found: Round, style: Style, width: int, room: int) -> tuple[list[str], list[Key]]:
    if found.profile is None:
        said = f"» not a sample in the last {found.seconds:.0f} s: no thread used a processor; --mode wall sees waiting"
        return [cut(said, width)], []
    if state.opened is not None:
        return _stack(state, state.opened, found.profile, style, width, room), []
    show = _threads if state.threads else _functions
    return show(state, found.profile, style, width, room)


def _functions(state: State, profile: Profile, style: Style, width: int, room: int) -> tuple[list[str], list[Key]]:
    rows = hottest.rows(profile, room, by_total=state.by_total)
    keys: list[Key] = [("function", row.function, row.file) for row in rows]
    head, *lines = table.lines(profile, rows, style, width - 2)
    return [f"  {head}", *_mark(state, lines, keys)], keys


def _threads(state: State, profile: Profile, style: Style, width: int, room: int) -> tuple[list[str], list[Key]]:
    rows = tables.threads(profile, room)
    name = min(max([len(row.name) for row in rows] + [len("THREAD")]), max(12, width // 3))
    head = style.paint(cut(f" TOTAL       PID   {'THREAD'.ljust(name)}   MOSTLY IN", width - 2), "dim")
    keys = [row.key for row in rows]
    return [f"  {head}", *_mark(state, [_thread(row, name, width - 2) for row in rows], keys)], keys


def _thread(row: ThreadRow, name: int, width: int) -> str:
    place = f"{row.function}  {row.where}"
    line = f"{table.percent(row.share)}  {str(row.pid or '–').rjust(8)}   {cut(row.name, name).ljust(name)}   {place}"
    return cut(line, width)


def _mark(state: State, lines: list[str], keys: list[Key]) -> list[str]:
    at = marked(state, keys) if state.chosen else -1
    return [f"{'▸' if number == at else ' '} {line}" for number, line in enumerate(lines)]


def _stack(state: State, key: Key, profile: Profile, style: Style, width: int, room: int) -> list[str]:
    """The heaviest stack of a function or a thread, innermost first."""
    name = key[1] if key[0] == "function" else f"{key[3]} of {key[1]}"
    way = tables.way(profile, key)
    if way is None:
        return [cut(f"» {name} was not seen in these seconds", width)]
    title = cut(f"{name}: the stack it was seen on most, {table.percent(way.share).strip()} of it", width)
    lines = [_frame(profile, function, line, key, width) for function, line in way.frames]
    top = min(state.scroll, max(0, len(lines) - room))
    return [style.paint(title, "bold"), *lines[top : top + room]]


def _frame(profile: Profile, function: int, line: int, key: Key, width: int) -> str:
    called = profile.functions[function]
    mark = "▸" if key == ("function", called.name, called.file) else " "
    short = profile.shortened[function]
    return cut(f"{mark} {called.name}   {f'{short}:{line}' if line and short else short}", width)
