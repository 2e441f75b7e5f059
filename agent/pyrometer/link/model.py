"""What is said over the link: the messages' shapes, as values.

    server ──► {"id": 7, "op": "dump", …}          a request; `op` names an operation below
    agent  ──► {"id": 7, "ok": {…}}                its one reply
           ──► {"id": 7, "error": {…}}             or its one refusal: reason, message, next
           ──► {"event": "hit", "probe": …, "seq": 3, "dropped": 0, …}     an event; no id

The first thing that the agent sends, once its checks are passed, is {"hello": {…}}.

Stacks and captured values are plain dicts and lists all the way, since they are made by the thousand while somebody
waits; their keys are written down at `dump_reply` and `hit_event` below. What is small is a `NamedTuple`:
`dataclasses` would cost the service 1.6 MB.

Unknown fields are ignored; unknown operations are refused by name. Every value that comes from the other end is
checked here, at the edge, so that the rooms behind need not.
"""

from __future__ import annotations

from pyrometer.link.errors import BadRequest, LinkError
from pyrometer.link.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MAX_TEXT = 4096
"""Characters of any text in a request."""

NOT_YET = "not yet known"
"""Why it is not said whether an exception was handled, where a verdict will follow."""

OPERATIONS = ("ping", "dump", "tasks", "locals", "source", "sample", "sampled", "arm", "disarm", "probes", "vitals")
"""ping: are you there. dump: all threads' stacks. tasks: asyncio's. locals: either, with values. source: lines of
source text. sample: start or stop the in-process sampler. sampled: fetch what it counted. arm, disarm, probes:
probes. vitals: the garbage collector, event loops, how many probes."""


class Hello(NamedTuple):
    """What the agent says of itself when its checks are passed."""

    link: int
    pid: int
    start_ticks: int
    """Start of the process in clock ticks since boot (field 22 of /proc/PID/stat): tells a reused pid."""
    service: str
    version: str
    """Version of pyrometer in the process."""
    python: str
    implementation: str
    uid: int
    argv: list[str]
    features: list[str]
    """Operations that this peer may ask for; it is not to do by other means what is missing."""
    prefixes: list[str]
    """Folders of the standard library and of installed packages, to tell the service's own code from others'."""
    threads: list[int]
    """Native ids of the agent's own threads, for the reader to leave out."""

    @classmethod
    def from_wire(cls, data: Any) -> Hello:
        """Read a hello, filling what an older agent does not say.

        Raises:
            BadRequest: a field is missing that every version has, or has another type.
        """
        fields = _Fields(data)
        return cls(
            link=fields.integer("link"),
            pid=fields.integer("pid"),
            start_ticks=fields.integer("start_ticks", 0),
            service=fields.text("service"),
            version=fields.text("version", ""),
            python=fields.text("python"),
            implementation=fields.text("implementation", "cpython"),
            uid=fields.integer("uid", 0),
            argv=fields.texts("argv"),
            features=fields.texts("features"),
            prefixes=fields.texts("prefixes"),
            threads=fields.integers("threads"),
        )


class ProbeLimits(NamedTuple):
    """How much a probe may take. Always finite; `clamped` keeps it under the owner's caps."""

    hits: int = 1
    rate: int = 10
    """Hits a second, of this process."""
    ttl: float = 600.0
    """Seconds until it ends by itself."""
    frames: int = 50
    """Frames with values."""
    depth: int = 3
    items: int = 20
    length: int = 256
    """Characters of a string."""

    @classmethod
    def from_wire(cls, data: Any) -> ProbeLimits:
        """Read limits; what is absent has its default, what is not finite and positive is refused."""
        fields = _Fields(data)
        default = cls()
        limits = cls(
            hits=fields.integer("hits", default.hits),
            rate=fields.integer("rate", default.rate),
            ttl=fields.number("ttl", default.ttl),
            frames=fields.integer("frames", default.frames),
            depth=fields.integer("depth", default.depth),
            items=fields.integer("items", default.items),
            length=fields.integer("length", default.length),
        )
        for name, value in limits._asdict().items():
            if not 0 < value <= _CEILINGS[name]:
                raise BadRequest(f"the limit {name} is {value}; it must be over 0 and at most {_CEILINGS[name]}")
        return limits


_CEILINGS = {
    "hits": 100_000,
    "rate": 1000,
    "ttl": 86_400.0,
    "frames": 200,
    "depth": 10,
    "items": 1000,
    "length": 65_536,
}


class CallWatch(NamedTuple):
    """How calls of a function are watched."""

    locals: bool = False
    """Whether the variables at the end of the call are shown, of all frames."""

    @classmethod
    def from_wire(cls, data: Any) -> CallWatch | None:
        """Read it from a request; None: calls are not watched."""
        return None if data is None else cls(locals=_Fields(data).flag("locals"))


class ProbeSpec(NamedTuple):
    """A probe: where + when + what + limits. Exactly one of `line`, `function` and `exception` is set."""

    probe_id: str
    where: str
    """As the user wrote it, to show."""
    line: tuple[str, int] | None = None
    """File (whole or its last parts) and line number."""
    function: tuple[str, str] | None = None
    """Module and qualified name; `*` stands for anything."""
    exception: tuple[str, str] | None = None
    """Type name (with or without module) and scope: a pattern of module names, "" for all but the standard library."""
    condition: str = ""
    expressions: tuple[str, ...] = ()
    limits: ProbeLimits = ProbeLimits()
    by: str = ""
    """Who asked, for the owner to read."""
    lease: float = 1.8
    """Seconds of silence after which the agent takes the watcher for dead; 1.8 to 5."""
    template: str = ""
    """What each hit says in one line of text, with expressions in braces; "": it has values instead."""
    watch: CallWatch | None = None
    """Set: the calls of `function` are hits, when they end."""
    force: bool = False
    """Take the line of what runs, though the file was changed after it was loaded."""
    unhandled: bool = False
    """Of exceptions: only those that nobody handles."""

    @classmethod
    def from_wire(cls, data: Any) -> ProbeSpec:
        """Read a probe from a request.

        Raises:
            BadRequest: it has no place, several, or a field of another type.
        """
        fields = _Fields(data)
        spec = cls(
            probe_id=fields.text("probe_id"),
            where=fields.text("where"),
            line=fields.pair("line", str, int),
            function=fields.pair("function", str, str),
            exception=fields.pair("exception", str, str),
            condition=fields.text("condition", ""),
            expressions=tuple(fields.texts("expressions")),
            limits=ProbeLimits.from_wire(data.get("limits", {})),
            by=fields.text("by", ""),
            lease=min(5.0, max(1.8, fields.number("lease", 1.8))),
            template=fields.text("template", ""),
            watch=CallWatch.from_wire(data.get("watch")),
            force=fields.flag("force"),
            unhandled=fields.flag("unhandled"),
        )
        if sum(place is not None for place in (spec.line, spec.function, spec.exception)) != 1:
            raise BadRequest("a probe needs exactly one place: a line, a function or an exception")
        if spec.template and spec.exception is not None:
            raise BadRequest("a probe on an exception takes no template: log lines are of lines and functions")
        if spec.watch is not None and (spec.function is None or spec.template):
            raise BadRequest("what is watched is calls of a function, and they have no template")
        if spec.unhandled and spec.exception is None:
            raise BadRequest("only an exception may be unhandled")
        if len(spec.expressions) > 32:
            raise BadRequest("a probe takes at most 32 expressions")
        return spec

    def to_wire(self) -> dict[str, Any]:
        """The request's form of it."""
        watch = None if self.watch is None else self.watch._asdict()
        return {**self._asdict(), "limits": self.limits._asdict(), "watch": watch}


class ProbeCounters(NamedTuple):
    """What a probe did in one process. Answers "why has it not fired"."""

    probe_id: str
    where: str
    condition: str
    state: str
    """PENDING, ARMED, PAUSED, EXPIRED, DONE or FAILED."""
    reason: str
    """Why it is in that state, in words that a person can act on."""
    by: str
    reached: int = 0
    condition_false: int = 0
    matched: int = 0
    rate_limited: int = 0
    dropped: int = 0
    errors: int = 0
    last_error: str = ""
    sampled_share: float = 1.0
    cost_ns_per_hit: float = 0.0
    cpu_share: float = 0.0
    expires_in: float = 0.0
    """Seconds from now."""
    open_calls: int = 0
    """Calls that were seen to begin and have not ended; of watches."""
    oldest_open_call: float = 0.0
    """Seconds since the first of those began."""
    handled: int = 0
    """Hits whose exceptions somebody handled, as far as that is known by now; of `unhandled` ones, those kept back."""
    undecided: int = 0
    """Hits of which nobody can know whether their exceptions were handled."""
    last_handled: str = ""
    """Who handled the latest: what follows "handled"."""

    @classmethod
    def from_wire(cls, data: Any) -> ProbeCounters:
        """Read counters from a reply or a state event."""
        fields = _Fields(data)
        return cls(
            probe_id=fields.text("probe_id"),
            where=fields.text("where", ""),
            condition=fields.text("condition", ""),
            state=fields.text("state"),
            reason=fields.text("reason", ""),
            by=fields.text("by", ""),
            reached=fields.integer("reached", 0),
            condition_false=fields.integer("condition_false", 0),
            matched=fields.integer("matched", 0),
            rate_limited=fields.integer("rate_limited", 0),
            dropped=fields.integer("dropped", 0),
            errors=fields.integer("errors", 0),
            last_error=fields.text("last_error", ""),
            sampled_share=fields.number("sampled_share", 1.0),
            cost_ns_per_hit=fields.number("cost_ns_per_hit", 0.0),
            cpu_share=fields.number("cpu_share", 0.0),
            expires_in=fields.number("expires_in", 0.0),
            open_calls=fields.integer("open_calls", 0),
            oldest_open_call=fields.number("oldest_open_call", 0.0),
            handled=fields.integer("handled", 0),
            undecided=fields.integer("undecided", 0),
            last_handled=fields.text("last_handled", ""),
        )


def dump_reply(threads: list[dict[str, Any]], left_out: int) -> dict[str, Any]:
    """The reply to `dump`.

    A thread is {"name", "ident", "native_id", "daemon", "agent": true for ours, "frames", "left_out"}; a frame is
    [index of a code, line, lasti], innermost first; a code is [function, file, module] in "codes", which the caller
    adds. `lasti` tells whether a thread has moved within its line. With `locals` a thread has "locals" too: for each of
    its frames [[name, value], …] as in `hit_event`, or null; frames beyond the end of that list have none.

    "waits", which the caller adds, has of each thread that waits for something {"thread": its ident, "kind", "name":
    the expression in its source, "at": the index of the frame that has that, "timed": it may give up, "lock": a number
    that stays the lock's while it lives, or 0, "owner": the ident of the thread that it waits for, or 0, "taken": null
    or [index of a code, line, name] where that thread took it}. "gil" is null or {"holder": address of the pointer to
    the state of the thread that held the GIL last, after which an int tells whether it is held, "ident": offset of the
    thread's ident in that state}. An agent that does not know of these leaves them out.
    """
    return {"threads": threads, "left_out": left_out}


def tasks_reply(loops: list[dict[str, Any]], tasks: list[dict[str, Any]], left_out: int) -> dict[str, Any]:
    """The reply to `tasks`.

    A loop is {"id", "type" ("" where it does not run), "thread": name of the thread that runs it, or "", "tasks": how
    many it has}. A task is {"id", "name", "loop": its loop's id, "state" ("RUNNING", "WAITING", "READY", "CREATED"),
    "cancelling", "coroutine", "frames" and "left_out" as in `dump`, "awaited_by": ids, "alike": how many in the same
    place are not described, "suspended": seconds or null, "waits_for": "Lock", "Queue" or the like, or "", "holder": id
    of the task that has the lock, or null}; "left_out" counts those that are not described. "codes" and "locals" as in
    `dump`. Under "greenlets" the requests' room adds what `greenlets_reply` describes.
    """
    return {"loops": loops, "tasks": tasks, "left_out": left_out}


def greenlets_reply(greenlets: list[dict[str, Any]] | None, left_out: int) -> dict[str, Any]:
    """What stands under "greenlets" in the reply to `tasks`; None: not looked for, the process being too large.

    A greenlet is {"name", "state" ("RUNNING", "SUSPENDED", "CREATED"), "frames", "left_out" and "locals" as in `dump`};
    "codes", of these frames only, as in `dump`.
    """
    return {"greenlets": greenlets, "left_out": left_out}


def vitals_reply(gc: dict[str, Any], loops: list[dict[str, Any]] | None, probes: int) -> dict[str, Any]:
    """The reply to `vitals`.

    "gc" is {"enabled", "counts", "collections" (both by generation), "collected", "uncollectable", "pause" (seconds in
    all, or null)}. A loop is {"thread", "native_id", "lag" (seconds, or null where it can't be told), "busy" (share of
    the looks), "looks", "frames": [[function, file, line, module], …] of its longest callback, innermost first}.
    """
    return {"gc": gc, "loops": loops, "probes": probes}


def hit_event(probe_id: str, hit: dict[str, Any]) -> dict[str, Any]:
    """The event of a hit.

    A hit is {"hit_id", "time" (seconds since the epoch), "thread", "frames", "left_out", "expressions",
    "exception" (null or {"type", "message", "handled", "handled_why"}), "trace_id", "pause" (seconds)}. A frame is
    {"function", "file", "line", "module", "locals" ([[name, value], …] or null)}, innermost first; "expressions" is
    [[text, value], …]. Source lines are not in it: the server asks for them by `source`. Where the probe has a template
    there is "message", the line of text, and "frames" has the innermost one only, without locals.

    That of a watched call has "elapsed" and "suspended" besides (seconds; null: it never was), "returned" (a value, or
    null where an exception left it) and "arguments" ([[name, value], …]).

    A value is {"type", "kind"} and, by its kind: "value" (bool, int as decimal text, float as repr text, str, bytes as
    latin-1 text, other where a safe text is known), "items", "entries" ([[key, value], …]), "fields"
    ([[name, value], …]); "size" where less is shown than there is, "why" where cut, redacted or unreadable, "ref"
    where the object occurs more than once.
    """
    return {"event": "hit", "probe": probe_id, "hit": hit}


def verdict_event(probe_id: str, hit_id: str, *, handled: bool | None, why: str) -> dict[str, Any]:
    """The event that tells what became of the exception of a hit whose "handled_why" was `NOT_YET`."""
    return {"event": "verdict", "probe": probe_id, "hit_id": hit_id, "handled": handled, "handled_why": why}


def error_reply(error: LinkError) -> dict[str, Any]:
    """The wire form of an error."""
    return {"reason": error.reason, "message": error.message, "next": error.next}


def error_from(data: Any) -> LinkError:
    """Read an error of the other end."""
    fields = _Fields(data)
    return LinkError(fields.text("message", ""), next=fields.text("next", ""), reason=fields.text("reason", "INTERNAL"))


class _Fields:
    """Reads fields of a foreign object, each with its type, or says which one is wrong."""

    def __init__(self, data: Any) -> None:
        if not isinstance(data, dict):
            raise BadRequest("an object was expected")
        self._data = data

    def _get(self, name: str, default: Any, kind: type | tuple[type, ...]) -> Any:
        value = self._data.get(name, default)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise BadRequest(f"the field {name} is missing or of the wrong type")
        return value

    def integer(self, name: str, default: int | None = None) -> int:
        value: int = self._get(name, default, int)
        return value

    def flag(self, name: str) -> bool:
        value: bool = self._get(name, False, bool)
        return value

    def number(self, name: str, default: float | None = None) -> float:
        value = float(self._get(name, default, (int, float)))
        if value != value or value in (float("inf"), float("-inf")):
            raise BadRequest(f"the field {name} is not a finite number")
        return value

    def text(self, name: str, default: str | None = None) -> str:
        value: str = self._get(name, default, str)
        if len(value) > MAX_TEXT:
            message = f"the field {name} has {len(value)} characters, at most {MAX_TEXT} are taken"
            raise BadRequest(message, next="Write a shorter one.")
        return value

    def texts(self, name: str) -> list[str]:
        values = self._get(name, [], list)
        if not all(isinstance(value, str) for value in values):
            raise BadRequest(f"the field {name} holds something that is not a text")
        return [value[:MAX_TEXT] for value in values[:1000]]

    def integers(self, name: str) -> list[int]:
        values = self._get(name, [], list)
        if not all(isinstance(value, int) for value in values):
            raise BadRequest(f"the field {name} holds something that is not a number")
        return list(values[:1000])

    def pair(self, name: str, first: type, second: type) -> Any:
        value = self._data.get(name)
        if value is None:
            return None
        if not (
            isinstance(value, list) and len(value) == 2 and isinstance(value[0], first) and isinstance(value[1], second)
        ):
            raise BadRequest(f"the field {name} is not a pair")
        return (value[0], value[1])
