"""The screen of `top`: a state and a round in, lines out. It knows no terminal."""

from __future__ import annotations

from dataclasses import dataclass

from pyrometer.client import documents
from pyrometer.client.live import tables
from pyrometer.client.live.rounds import Round
from pyrometer.client.live.state import HELP, STACK_HELP, State, marked
from pyrometer.client.live.tables import Key, ThreadRow
from pyrometer.client.profile import hottest, table
from pyrometer.client.profile.model import Profile
from pyrometer.client.render import failures
from pyrometer.client.render.terminal import Style, cut, escape

_AROUND = 5
"""Lines that are no rows: three of what it is, the heading, the keys."""
_WIDE = 100
"""Columns from which on there is room for remarks."""
_MOST_NOTES = 2


@dataclass(frozen=True, slots=True)
class Screen:
    """A drawn screen: its lines, and the rows that keys can reach."""

    lines: list[str]
    rows: list[Key]
    last: int = 0
    """How far a stack can be scrolled."""


def draw(state: State, found: Round | None, style: Style, size: tuple[int, int], whole: float) -> Screen:
    """Draw a screen of `size` columns and lines, never more; `whole`: seconds until it ends by itself."""
    width, height = size
    if found is None:
        return Screen(["» reading; the first figures come after two seconds", cut("q end", width)][:height], [])
    head = _head(state, found, style, width, whole)
    notes = [cut(note, width) for note in _notes(found)][:_MOST_NOTES]
    room = max(1, height - _AROUND - len(notes))
    body, rows, last = _body(state, found, style, width, room)
    used = len(head) + len(notes) + len(body) + 1
    keys = style.paint(cut(STACK_HELP if state.opened else HELP, width), "dim")
    return Screen([*head, *notes, *body, *[""] * max(0, height - used), keys][:height], rows, last)


def text(found: Round, style: Style, width: int, rows: int = 10) -> list[str]:
    """A round as plain lines: the hottest functions, the hottest threads."""
    lines = [f"{_what(found)}, {_how(found)}"]
    if found.profile is not None:
        functions, _ = _functions(State(), found.profile, style, width, rows)
        threads, _ = _threads(State(), found.profile, style, width, rows)
        lines += ["", *functions, "", *threads]
    else:
        lines.append(_nothing(found))
    return [*lines, *_notes(found), ""]


def _head(state: State, found: Round, style: Style, width: int, whole: float) -> list[str]:
    view = "threads" if state.threads else f"functions by {'total' if state.by_total else 'self'}"
    time = f"last {found.seconds:.0f} s, {found.elapsed:.0f} of {whole:.0f} s"
    third = f"{view}, {time}{'    PAUSED, space goes on' if state.paused else ''}"
    return [cut(_what(found), width), cut(_how(found), width), style.paint(cut(third, width), "dim")]


def _what(found: Round) -> str:
    """What was read."""
    summary, profile = found.summary, found.profile
    count = len(summary.pids)
    name = profile.service if profile and profile.service else "process"
    missed = summary.missed / max(1, summary.missed + summary.samples)
    parts = [
        f"{name}, {count} process{'' if count == 1 else 'es'}",
        f"{summary.samples:,} samples{f' ({100 * missed:.1f} % missed)' if summary.missed else ''}",
    ]
    return escape(", ".join(parts))


def _how(found: Round) -> str:
    """Who looks, how often, at which moments, and what that costs."""
    summary = found.summary
    source = {1: "the agent", 2: "py-spy", 3: "py-spy and the agents"}.get(summary.source, "py-spy")
    of = f" of {summary.rate_asked}" if summary.rate < 0.9 * summary.rate_asked else ""
    cost = 100 * summary.own_cpu_seconds / max(found.seconds, 0.1)
    mode = table.time_name(documents.enum(summary, "mode", "PROFILE_MODE_") or "")
    return f"{source} at {summary.rate:.0f} Hz{of}, {mode}, own cost {cost:.0f} % of a core"


def _notes(found: Round) -> list[str]:
    """What to know beside the figures."""
    notes = [f"» {escape(found.summary.reason)}"] if found.summary.reason else []
    return [*notes, *failures.lines(found.errors)]


def _nothing(found: Round) -> str:
    """Why there is no table."""
    if documents.enum(found.summary, "mode", "PROFILE_MODE_") == "wall":
        return f"» not a sample in the last {found.seconds:.0f} s"
    return f"» no thread used a processor in the last {found.seconds:.0f} s; --mode wall sees waiting ones"


def _body(state: State, found: Round, style: Style, width: int, room: int) -> tuple[list[str], list[Key], int]:
    if found.profile is None:
        return [cut(_nothing(found), width)], [], 0
    if state.opened is not None:
        lines = _stack(state.opened, found.profile, style, width)
        last = max(0, len(lines) - 1 - room)
        top = 1 + min(state.scroll, last)
        return [lines[0], *lines[top : top + room]], [], last
    show = _threads if state.threads else _functions
    return *show(state, found.profile, style, width, room), 0


def _functions(state: State, profile: Profile, style: Style, width: int, room: int) -> tuple[list[str], list[Key]]:
    rows = hottest.rows(profile, room, by_total=state.by_total)
    keys: list[Key] = [("function", row.function, row.file) for row in rows]
    head, *lines = table.lines(profile, rows, style, width - 2, remarks=width >= _WIDE)
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


def _stack(key: Key, profile: Profile, style: Style, width: int) -> list[str]:
    """The heaviest stack of a function or a thread, innermost first."""
    name = key[1] if key[0] == "function" else f"{key[3]} of {key[1]}"
    way = tables.way(profile, key)
    if way is None:
        return [cut(f"» {name} was not seen in these seconds", width)]
    title = cut(f"{name}: the stack it was seen on most, {table.percent(way.share).strip()} of it", width)
    lines = [_frame(profile, function, line, key, width) for function, line in way.frames]
    return [style.paint(title, "bold"), *lines]


def _frame(profile: Profile, function: int, line: int, key: Key, width: int) -> str:
    called = profile.functions[function]
    mark = "▸" if key == ("function", called.name, called.file) else " "
    short = profile.shortened[function]
    return cut(f"{mark} {called.name}   {f'{short}:{line}' if line and short else short}", width)
