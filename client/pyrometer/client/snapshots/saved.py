"""The shapes of events: each rebuilt from what a file holds, with the keys and types that renderers rely on.

What a newer version adds is left out; what is missing or of another type makes the file a broken one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Document = dict[str, Any]
_SCALARS = ("none", "bool", "int", "float", "str", "bytes", "other")
_FILLED = ("list", "tuple", "set", "dict", "object")
_KINDS = frozenset([*_SCALARS, *_FILLED, "redacted", "unset", "unreadable", "ref"])
_ORIGINS = frozenset({"service", "library", "stdlib", "native"})
_DEEPEST = 40
"""Levels of a value, and exceptions that led to each other."""


def event(data: Any) -> Document:
    """One event of a probe. Raises LookupError, TypeError or ValueError."""
    head = {"event": text(data["event"]), "probe_id": text(data["probe_id"]), "pid": _optional(count, data.get("pid"))}
    if head["event"] == "hit":
        return {**head, "pid": count(data["pid"]), **_hit(data)}
    if head["event"] == "verdict":
        return {**head, "hit_id": text(data["hit_id"]), **_verdict(data)}
    found = {**head, "reason": text(data.get("reason") or "")}
    for name, read in _MORE_OF_A_STATE.items():
        if data.get(name) is not None:
            found[name] = read(data[name])
    return found


def text(data: Any) -> str:
    """A text."""
    if not isinstance(data, str):
        raise TypeError("a text was expected")
    return data


def count(data: Any) -> int:
    """A whole number that is not negative."""
    if isinstance(data, bool) or _of(int, data) < 0:
        raise ValueError("a count was expected")
    return int(data)


def value(data: Any, deep: int = 0) -> Document:
    """A captured value."""
    found: Document = {"type": text(data["type"]), "kind": text(data["kind"])}
    if found["kind"] not in _KINDS:
        return {"type": found["type"], "kind": "unreadable", "why": "another version's kind of value"}
    if deep > _DEEPEST:
        return {"type": found["type"], "kind": "unreadable", "why": "too deep"}
    if "value" in data:
        found["value"] = _scalar(found["kind"], data["value"])
    if found["kind"] in ("list", "tuple", "set"):
        found["items"] = [value(item, deep + 1) for item in _of(list, data["items"])]
    if found["kind"] == "dict":
        found["entries"] = [
            {"key": value(entry["key"], deep + 1), "value": value(entry["value"], deep + 1)}
            for entry in _of(list, data["entries"])
        ]
    if "fields" in data:
        found["fields"] = _named(data["fields"], deep + 1)
    for name in ("size", "ref"):
        if name in data:
            found[name] = count(data[name])
    if "why" in data or found["kind"] in ("redacted", "unreadable"):
        found["why"] = text(data["why"])
    if found["kind"] == "ref":
        found["ref"] = count(data["ref"])
    return found


def _scalar(kind: str, data: Any) -> bool | int | float | str:
    if isinstance(data, (bool, int, float)) and kind in ("bool", "int", "float"):
        return data
    return text(data)


def _named(data: Any, deep: int = 0) -> Document:
    return {text(name): value(held, deep) for name, held in _of(dict, data).items()}


def _hit(data: Any) -> Document:
    if ("elapsed_seconds" in data) != all(name in data for name in _OF_A_CALL):
        raise ValueError("a call lacks something")
    found: Document = {
        "hit_id": text(data["hit_id"]),
        "time": text(data["time"]),
        "thread": text(data["thread"]),
        "frames": [_frame(frame) for frame in _of(list, data["frames"])],
        "frames_left_out": count(data.get("frames_left_out", 0)),
        "expressions": _named(data["expressions"]),
        "exception": _optional(_raised, data["exception"]),
        "trace_id": _optional(text, data["trace_id"]),
        "pause_seconds": float(data.get("pause_seconds", 0.0)),
    }
    for name, read in _MORE_OF_A_HIT.items():
        if name in data:
            found[name] = _optional(read, data[name])
    return found


def _frame(data: Any) -> Document:
    origin = data.get("origin")
    found = {
        "function": text(data["function"]),
        "file": text(data["file"]),
        "line": _optional(count, data["line"]),
        "module": _optional(text, data.get("module")),
        "source": _optional(text, data.get("source")),
        "origin": origin if isinstance(origin, str) and origin in _ORIGINS else None,
        "locals": _optional(_named, data["locals"]),
    }
    if "context" in data:
        found["context"] = [{"line": count(line["line"]), "text": text(line["text"])} for line in data["context"]]
    return found


def _raised(data: Any) -> Document:
    """The exception of a hit."""
    return {**_exception(data), **_verdict(data)}


def _exception(data: Any, deep: int = 0) -> Document:
    """An exception, with those that it is chained to as far as they are told."""
    found: Document = {"type": text(data["type"]), "message": text(data.get("message") or "")}
    readers: dict[str, Callable[[Any], Any]] = {
        "notes": lambda notes: [text(note) for note in _of(list, notes)],
        "cause": lambda other: _exception(other, deep + 1),
        "context": lambda other: _exception(other, deep + 1),
        "exceptions": lambda members: [_exception(each, deep + 1) for each in _of(list, members)],
        "left_out": count,
        "frames": lambda frames: [_frame({"locals": None, **frame}) for frame in _of(list, frames)],
    }
    for name, read in readers.items():
        if name in data and deep < _DEEPEST:
            found[name] = _optional(read, data[name])
    return found


def _verdict(data: Any) -> Document:
    return {
        "handled": _optional(lambda found: _of(bool, found), data.get("handled")),
        "handled_why": _optional(text, data.get("handled_why")),
    }


def _status(data: Any) -> Document:
    """Counters and words; whoever reads them knows which there are."""
    found = {
        text(name): held for name, held in _of(dict, data).items() if isinstance(held, (str, int, float, type(None)))
    }
    return {**found, "where": text(data["where"]), "condition": _optional(text, data.get("condition"))}


def _error(data: Any) -> Document:
    found: Document = {"pid": count(data["pid"]), "reason": text(data["reason"]), "message": text(data["message"])}
    return {**found, "next": text(data["next"])} if "next" in data else found


def _of(kind: type[Any], data: Any) -> Any:
    if not isinstance(data, kind):
        raise TypeError(f"{kind.__name__} was expected")
    return data


def _optional(read: Callable[[Any], Any], data: Any) -> Any:
    return None if data is None else read(data)


_MORE_OF_A_HIT: dict[str, Callable[[Any], Any]] = {
    "message": text,
    "elapsed_seconds": float,
    "suspended_seconds": float,
    "returned": value,
    "arguments": _named,
    "span_id": text,
    "changed_files": lambda data: [text(each) for each in _of(list, data)],
}
"""Keys that only some verbs' hits have."""
_OF_A_CALL = ("elapsed_seconds", "suspended_seconds", "returned", "arguments")
_MORE_OF_A_STATE: dict[str, Callable[[Any], Any]] = {
    "status": _status,
    "delivered": count,
    "surplus": count,
    "errors": lambda data: [_error(each) for each in _of(list, data)],
}
"""Keys of what is said of a process, and of all of them at the end."""
