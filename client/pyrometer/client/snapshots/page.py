"""A snapshot as one page: the exception or the place, its frames with source and values to unfold, what led to it.

All of it is markup that needs no script; the script unfolds everything at once, walks from frame to frame by keys, and
opens what a link leads to. The events stand in the page as data too, for `view --text` and for programs.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from pyrometer.client import pages
from pyrometer.client.quantities import brief
from pyrometer.client.render import withheld
from pyrometer.client.render.causes import heading, related
from pyrometer.client.render.places import place
from pyrometer.client.render.snapshot import handling_of, title_of
from pyrometer.client.render.stacks import folded, short_name
from pyrometer.client.render.values import line_of
from pyrometer.client.snapshots.markup import Markup, joined, tag
from pyrometer.client.snapshots.model import Snapshot
from pyrometer.client.snapshots.valuepage import ValuePage

Document = dict[str, Any]
_MOST_CAUSES = 30


def render(whole: Snapshot) -> str:
    """Make the page, whole: it refers to nothing outside itself."""
    hits = whole.hits
    titles = dict.fromkeys(map(_title, hits))
    title = next(iter(titles)) if len(titles) == 1 else whole.where
    return pages.build(
        pages.part(__package__, "page.html", "page"),
        title=title or "snapshot",
        style=pages.part(__package__, "style.css", "page"),
        script=pages.part(__package__, "reader.js", "page"),
        data=whole.document(),
        heading=joined(title or "snapshot"),
        subtitle=joined(_subtitle(whole)),
        facts=_facts(whole),
        overview=_overview(hits, linked=whole.verb != "log"),
        hits=_place(hits[0]) if whole.verb == "log" else _all(hits),
        foot=_foot(whole),
    )


def _title(hit: Document) -> str:
    """What a hit is: a call with its time, a log line, else as in the terminal."""
    if "elapsed_seconds" in hit:
        function = hit["frames"][0]["function"] if hit["frames"] else "a call"
        return f"{function} took {brief(hit['elapsed_seconds'])}"
    return hit.get("message") or title_of(hit)


def _subtitle(whole: Snapshot) -> str:
    kinds = {"log": "log lines", "watch": "calls", "snap": "values"}
    what = kinds.get(whole.verb, "exception")
    return f"{what} of {whole.service}" if whole.service else what


def _facts(whole: Snapshot) -> Markup:
    """What the page says in its first lines."""
    hits, first = whole.hits, whole.hits[0]
    facts = [("When", _moment(first["time"]))]
    facts += [("Where", whole.where)] if whole.where else []
    facts += [("If", whole.condition)] if whole.condition else []
    if len(hits) == 1:
        facts += [("Process", str(first["pid"])), ("Thread", short_name(first["thread"]))]
        facts += [("Trace", first["trace_id"])] if first["trace_id"] else []
        facts += [("Paused the thread", _milliseconds(first["pause_seconds"]))] if first["pause_seconds"] else []
    else:
        facts += [("Hits", f"{len(hits):,}"), ("Processes", f"{len({hit['pid'] for hit in hits}):,}")]
    return joined(*[tag("div", tag("dt", name), tag("dd", words)) for name, words in facts])


def _all(hits: list[Document]) -> Markup:
    return joined(*[_hit(hit, index, alone=len(hits) == 1) for index, hit in enumerate(hits)])


def _place(hit: Document) -> Markup:
    """Where log lines come from, once: they are all that their hits have."""
    values = ValuePage("place")
    return joined(*[_frame(frame, values, "place-frame", first=True) for frame in hit["frames"][:1]])


def _overview(hits: list[Document], *, linked: bool) -> Markup:
    """Several hits, a line each; it leads to what there is of the hit, if that is more than a line."""
    if len(hits) == 1 and linked:
        return Markup()
    rows = [
        tag(
            "tr",
            tag("td", tag("a", _moment(hit["time"]), href=f"#hit-{index}") if linked else _moment(hit["time"])),
            tag("td", str(hit["pid"])),
            tag("td", short_name(hit["thread"])),
            tag("td", _gist(hit)),
        )
        for index, hit in enumerate(hits)
    ]
    names = [tag("th", name, scope="col") for name in ("When", "Process", "Thread", "What")]
    caption = tag("caption", f"{len(hits):,} {'hit' if len(hits) == 1 else 'hits'}")
    return tag("table", caption, tag("thead", tag("tr", *names)), tag("tbody", *rows), class_="overview")


def _gist(hit: Document) -> str:
    """What tells a hit from the others: its line, its time, the values that were asked for, or its title."""
    asked = [f"{text} = {line_of(value, 40)}" for text, value in hit["expressions"].items()][:3]
    named = [_title(hit)] if "message" in hit or "elapsed_seconds" in hit or not asked else []
    return ", ".join([*named, *asked])


def _hit(hit: Document, index: int, *, alone: bool) -> Markup:
    name = f"hit-{index}"
    values = ValuePage(name)
    parts = [*_head(hit, alone=alone)]
    if hit["expressions"]:
        parts.append(_section("What was asked for", values.table(hit["expressions"]), f"{name}-asked"))
    if "elapsed_seconds" in hit:
        parts.append(_call(hit, values, f"{name}-call"))
    parts.append(joined(*_frames(hit["frames"], values, name)))
    if hit["frames_left_out"]:
        parts.append(tag("p", f"… {hit['frames_left_out']:,} more frames", class_="cut"))
    if hit["exception"]:
        parts += _chain(hit["exception"], f"{name}-causes")
    parts += _withheld(hit, f"{name}-withheld")
    return tag("article", *parts, id=name)


def _head(hit: Document, *, alone: bool) -> Iterator[Markup]:
    """What is said before the frames; the title only where the page's own is not it."""
    if alone:
        yield tag("h2", "Frames and values", class_="unseen")
    else:
        yield tag("h2", _title(hit), tag("small", f" {hit['pid']}, {short_name(hit['thread'])}"), tabindex="-1")
    if hit["exception"] and (handled := handling_of(hit["exception"])):
        yield tag("p", handled, class_="handled")
    if not alone and hit["trace_id"]:
        yield tag("p", f"trace {hit['trace_id']}", class_="cut")


def _call(hit: Document, values: ValuePage, name: str) -> Markup:
    """What a call was given, and what came of it."""
    rows = dict(hit["arguments"])
    if hit["returned"]:
        rows["returned →"] = hit["returned"]
    raised = [tag("p", f"left by {heading(hit['exception'])}", class_="handled")] if hit["exception"] else []
    suspended = hit["suspended_seconds"]
    waited = [tag("p", f"suspended {brief(suspended)} beside that", class_="cut")] if suspended else []
    return _section("The call", joined(values.table(rows, unfolded=True), *raised, *waited), name)


def _section(title: str, body: Markup, name: str) -> Markup:
    return tag("section", tag("h3", title, id=name, tabindex="-1"), body, aria_labelledby=name)


def _frames(frames: list[Document], values: ValuePage, name: str) -> Iterator[Markup]:
    """The service's own frames, and the innermost; runs of the others folded."""
    numbered = list(enumerate(frames))
    for own, run in groupby(numbered, key=lambda pair: pair[1]["origin"] == "service" or not pair[0]):
        made = [(frame, _frame(frame, values, f"{name}-frame-{index}", first=not index)) for index, frame in run]
        if own:
            yield from (markup for _, markup in made)
        else:
            summary = tag("summary", folded([frame for frame, _ in made]))
            yield tag("details", summary, *[markup for _, markup in made], class_="run")


def _frame(frame: Document, values: ValuePage, name: str, *, first: bool) -> Markup:
    """One frame; the first one's values are unfolded."""
    where = tag("span", place(frame), class_="where", title=frame["file"])
    heading = tag("h3", tag("span", frame["function"], class_="function"), " ", where, id=name, tabindex="-1")
    held = dict(frame["locals"] or {})
    rest = held.pop("…", None)
    notes: list[str] = []
    if rest:
        notes.append(f"{max(0, rest.get('size', 0) - len(held)):,} more variables were not copied")
    own = "own" if frame["origin"] == "service" else "other"
    parts = [
        heading,
        _source(frame),
        values.table(held, unfolded=first),
        *[tag("p", note, class_="cut") for note in notes],
    ]
    return tag("section", *parts, class_=f"frame {own}", aria_labelledby=name)


def _source(frame: Document) -> Markup:
    """Its lines of source, the one that is next marked."""
    lines = frame.get("context") or []
    if not lines and frame["source"]:
        lines = [{"line": frame["line"] or 0, "text": frame["source"]}]
    rows = []
    for line in lines:
        here = line["line"] == frame["line"]
        number = tag("span", str(line["line"]), class_="number")
        mark = [tag("span", "this line: ", class_="unseen")] if here else []
        rows.append(tag("li", *mark, number, tag("code", line["text"] or " "), class_="here" if here else ""))
    return tag("ol", *rows, class_="source") if rows else Markup()


def _chain(raised: Document, name: str) -> Iterator[Markup]:
    """What had led to the exception, and what it holds."""
    links = _links(raised, [_MOST_CAUSES])
    if links:
        yield _section("What had led to it", links, name)


def _links(raised: Document, room: list[int]) -> Markup:
    """Notes of an exception, those that come with it, and theirs; `room`: how many more there may be."""
    items = [tag("li", tag("span", "note", class_="how"), " ", note) for note in raised.get("notes") or ()]
    for how, other in related(raised):
        room[0] -= 1
        if room[0] >= 0:
            title = (tag("span", how, class_="how"), " ", tag("b", heading(other)))
            items.append(tag("li", *title, _trail(other.get("frames") or []), _links(other, room)))
    if raised.get("left_out"):
        items.append(tag("li", f"… {raised['left_out']:,} more", class_="cut"))
    return tag("ul", *items, class_="chain") if items else Markup()


def _trail(frames: list[Document]) -> Markup:
    """The frames that an exception has passed."""
    rows = [tag("li", frame["function"], " ", tag("span", place(frame), class_="where")) for frame in frames]
    return tag("ol", *rows, class_="trail") if rows else Markup()


def _withheld(hit: Document, name: str) -> Iterator[Markup]:
    """What is not shown, and why."""
    held = [*hit.get("arguments", {}).values(), *([hit["returned"]] if hit.get("returned") else [])]
    held += [value for frame in hit["frames"] for value in (frame["locals"] or {}).values()]
    sentences = withheld.summary([*hit["expressions"].values(), *held])
    if sentences:
        yield _section("What is not shown", tag("ul", *[tag("li", sentence) for sentence in sentences]), name)


def _foot(whole: Snapshot) -> Markup:
    made = [tag("p", "Made by ", tag("code", whole.command))] if whole.command else []
    left_out = [tag("p", f"{whole.left_out:,} more hits had no room in this file", class_="cut")] * bool(whole.left_out)
    return joined(*left_out, *made)


def _moment(time: str) -> str:
    """A time as people read it: `2026-11-24 08:43:51.202 UTC`."""
    day, _, clock = time.partition("T")
    return f"{day} {clock.rstrip('Z')[:12]} UTC"


def _milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:.2f} ms"
