"""What a link may ask: one method an operation, each answering with plain data.

The owner's policy is read at each request, so that an owner who says stop is heard at once.
"""

from __future__ import annotations

from pyrometer.agent import greenlets, tasks
from pyrometer.agent.drift import ShownDrift
from pyrometer.agent.lags import LONGEST, LoopWatch
from pyrometer.agent.sampler import Sampler
from pyrometer.agent.sources import Sources
from pyrometer.agent.stacks import capture
from pyrometer.agent.stderr import bounded
from pyrometer.agent.vitals import armed, collector
from pyrometer.guard import permissions
from pyrometer.guard.policy import in_force
from pyrometer.guard.redaction import Redactor
from pyrometer.link.errors import BadRequest, LinkError, UnknownOperation
from pyrometer.link.model import OPERATIONS, ProbeLimits, ProbeSpec, vitals_reply

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyrometer.agent.disclosure import Disclosure
    from pyrometer.agent.links import Link
    from pyrometer.agent.reception import Reception
    from pyrometer.guard.policy import Policy

_MAX_LINES = 20_000
"""Lines of source text in one answer: some tenths of a second of the link's thread."""
_MAX_AROUND = 50
_MAX_COMPARING = 0.1
"""Seconds of processor time in which the files of one answer are compared with what runs."""
_SHOWN = 15
"""Probes that one line of the audit names."""


class Requests:
    """Answers the requests of one link, and ends with it what it started."""

    def __init__(self, reception: Reception, link: Link, policy: Policy) -> None:
        self._reception = reception
        self._link = link
        self._policy = policy
        self._clean = Redactor.from_policy(policy).clean
        self._sources = Sources()
        self._leases: dict[str, float] = {}
        self._sampler: Sampler | None = None
        self._loops: LoopWatch | None = None

    def release(self) -> None:
        """The watcher is gone: disarm its probes, end its sampler."""
        self._reception.registry.release(self._link)
        if self._sampler is not None:
            self._sampler.stop()

    def handle(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer one request. Raises LinkError for what can't be done, or is not allowed any more."""
        operation = request.get("op")
        if not isinstance(operation, str):
            raise BadRequest("a request needs an operation")
        method = getattr(self, f"_{operation}", None) if operation in OPERATIONS else None
        if method is None:
            raise UnknownOperation(f"this agent does not know the operation {operation[:40]!r}")
        self._heed_policy()
        permissions.check(operation, self._link.peer.uid, self._policy)
        answer: dict[str, Any] = method(request)
        return answer

    def _heed_policy(self) -> None:
        try:
            policy = in_force()
        except LinkError:
            if self._sampler is not None:
                self._sampler.stop()
            raise
        if policy != self._policy:
            self._policy = policy
            self._clean = Redactor.from_policy(policy).clean

    def _ping(self, request: dict[str, Any]) -> dict[str, Any]:
        return {}

    def _dump(self, request: dict[str, Any]) -> dict[str, Any]:
        answer = capture(self._reception.own_threads())
        self._sources.name(code[1] for code in answer["codes"])
        return answer

    def _tasks(self, request: dict[str, Any]) -> dict[str, Any]:
        return self._tasks_and_greenlets(None)

    def _locals(self, request: dict[str, Any]) -> dict[str, Any]:
        """What `dump` or `tasks` answers, as `of` says ("threads", "tasks"), with the values of all frames."""
        of = request.get("of")
        if of not in ("threads", "tasks"):
            raise BadRequest('locals are of "threads" or of "tasks"')
        limits = ProbeLimits.from_wire(request.get("limits", {}))
        disclosure = self._disclosure(limits)
        if of == "threads":
            answer = capture(self._reception.own_threads(), disclosure)
            self._sources.name(code[1] for code in answer["codes"])
        else:
            answer = self._tasks_and_greenlets(disclosure)
        self._audit(f"variables of {disclosure.frames} frames of {of} read by {self._proven()}")
        return answer

    def _disclosure(self, limits: ProbeLimits) -> Disclosure:
        self._reception.prepare()
        from pyrometer.agent.disclosure import Disclosure

        return Disclosure(limits, self._policy, Redactor.from_policy(self._policy))

    def _tasks_and_greenlets(self, disclosure: Disclosure | None) -> dict[str, Any]:
        found, others = tasks.capture(disclosure), greenlets.capture(disclosure)
        for each in (*found["tasks"], *(others["greenlets"] or ())):  # named while running, often by what is worked on
            each["name"] = self._clean(each["name"])
        for codes in (found["codes"], others["codes"]):
            self._sources.name(code[1] for code in codes)
        return {**found, "greenlets": others}

    def _source(self, request: dict[str, Any]) -> dict[str, Any]:
        """Lines of source text: `lines` is a list of [file, line, lines before, lines after].

        Of a file that was changed after it was loaded there are none; it is named under "changed".
        """
        asked = request.get("lines")
        if not isinstance(asked, list) or len(asked) > _MAX_LINES:
            raise BadRequest("source needs a list of at most 20,000 places")
        places = [_place(place) for place in asked]
        if sum(1 + before + after for _, _, before, after in places) > _MAX_LINES:
            raise BadRequest("source gives at most 20,000 lines at once")
        drift = ShownDrift(_MAX_COMPARING)
        changed = {place[:2] for place in set(places) if self._sources.has(place[0]) and drift.has_changed(*place[:2])}
        lines = [None if place[:2] in changed else self._around(*place) for place in places]
        return {"lines": lines, "changed": sorted({file for file, _ in changed})}

    def _around(self, file: str, line: int, before: int, after: int) -> list[list[object]] | None:
        lines = self._sources.around(file, line, before, after)
        return lines and [[number, self._clean(str(text))] for number, text in lines]

    def _arm(self, request: dict[str, Any]) -> dict[str, Any]:
        """Arm a probe for as long as this link lives; the link is given up once it is silent for the lease."""
        spec = ProbeSpec.from_wire(request.get("probe"))
        claimed, spec = spec.by, spec._replace(by=self._named(spec.by))
        status = self._reception.registry.arm(spec, self._link, self._emit)
        self._leases[spec.probe_id] = spec.lease
        self._link.lease = max(self._leases.values())
        self._audit(f"probe {_id(spec.probe_id)} armed by {self._quoted(claimed)}: {_asked(spec)}")
        return {"status": status._asdict()}

    def _disarm(self, request: dict[str, Any]) -> dict[str, Any]:
        """Remove probes by their ids: this link's, and where `others` is true those that `_rules` says."""
        ids = request.get("probe_ids")
        if not isinstance(ids, list) or not all(isinstance(each, str) for each in ids):
            raise BadRequest("disarm needs a list of ids")
        others = request.get("others") is True
        gone = self._reception.registry.disarm(
            ids, lambda owner: owner is self._link or (others and self._rules(owner))
        )
        for each in gone:
            self._leases.pop(each, None)
        self._link.lease = max(self._leases.values(), default=None)
        if gone:
            more = f" and {len(gone) - _SHOWN} more" if len(gone) > _SHOWN else ""
            self._audit(f"removed by {self._named('')}: probes {', '.join(map(_id, gone[:_SHOWN]))}{more}")
        return {"probe_ids": gone}

    def _probes(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"probes": [status._asdict() for status in self._reception.registry.statuses()]}

    def _vitals(self, request: dict[str, Any]) -> dict[str, Any]:
        """How the process is, after its event loops were watched for `seconds`, 1 at most."""
        seconds = request.get("seconds", 0.0)
        if type(seconds) not in (int, float) or not 0 <= seconds <= LONGEST:
            raise BadRequest(f"vitals takes from 0 to {LONGEST:g} seconds")
        if self._loops is None:
            self._loops = LoopWatch(self._reception.own_threads, self._policy.cpu_share)
        loops = self._loops.watch(seconds)
        if "dump" in self._policy.forbidden_verbs:  # a part of a stack is a stack
            loops = [{**loop, "frames": []} for loop in loops]
        return vitals_reply(collector(), loops, armed(self._reception.registry.statuses()))

    def _sample(self, request: dict[str, Any]) -> dict[str, Any]:
        """Start this link's sampler at `rate` looks a second, at `tasks` instead of threads if asked; 0 ends it."""
        rate, tasks = request.get("rate"), request.get("tasks") is True
        if type(rate) is not int or not 0 <= rate <= 1000:
            raise BadRequest("a rate is from 0 to 1,000 a second")
        if self._sampler is None:
            self._sampler = Sampler(self._reception.own_threads, self._policy.cpu_share)
        if rate:
            self._sampler.start(rate, tasks=tasks)
        else:
            self._sampler.stop()
        return {"tasks": tasks}

    def _sampled(self, request: dict[str, Any]) -> dict[str, Any]:
        if self._sampler is None:
            raise BadRequest("nothing was sampled on this link")
        return self._sampler.take()

    def _rules(self, owner: Any) -> bool:
        """Whether we may remove what another link has armed: one of the same user, or we are an administrator."""
        ours, theirs = self._link.peer.uid, owner.peer.uid
        return ours == theirs or permissions.has_role(ours, self._policy, "admin")

    def _emit(self, event: dict[str, Any], weight: int) -> bool:
        """Queue an event; the files of a hit's frames may be read from now on. Called in the service's threads."""
        hit = event.get("hit")
        if hit is not None:
            self._sources.name([frame["file"] for frame in hit["frames"]])
        return self._link.emit(event, weight)

    def _audit(self, text: str) -> None:
        if self._policy.audit == "stderr":
            self._reception.stderr.line(text)

    def _named(self, claimed: str) -> str:
        """Who it is: what the kernel proves, and what was claimed."""
        return self._proven() + (f", who claims to be {claimed}" if claimed else "")

    def _quoted(self, claimed: str) -> str:
        """The same for the audit's line: what was claimed is bounded, and can't be taken for what is ours."""
        quoted = bounded(claimed.replace('"', "'"), 80)
        return self._proven() + (f', who claims to be "{quoted}"' if claimed else "")

    def _proven(self) -> str:
        return f"uid {self._link.peer.uid}, pid {self._link.peer.pid}"


def _place(place: Any) -> tuple[str, int, int, int]:
    if not (isinstance(place, list) and [type(part) for part in place] == [str, int, int, int]):
        raise BadRequest("a place is [file, line, lines before, lines after]")
    file, line, before, after = place
    return file, line, max(0, min(before, _MAX_AROUND)), max(0, min(after, _MAX_AROUND))


def _id(probe_id: str) -> str:
    """A probe's id, which its watcher has chosen, as a word of at most 32 letters."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "?" for c in probe_id[:32])


def _asked(spec: ProbeSpec) -> str:
    """What a probe is about, each part of it bounded: by its place itself, not by what its watcher calls that."""
    if spec.line is not None:
        place = f"{bounded(spec.line[0][-150:], 150)}:{bounded(str(spec.line[1]), 12)}"
    elif spec.function is not None:
        place = f"{bounded(spec.function[0], 100)}:{bounded(spec.function[1], 100)}"
    else:
        name, scope = spec.exception or ("", "")
        place = bounded(name, 100) + (f" in {bounded(scope, 100)}" if scope else "")
    line = f" to log {bounded(spec.template, 150)}" if spec.template else ""
    return place + (f" if {bounded(spec.condition, 200)}" if spec.condition else "") + line
