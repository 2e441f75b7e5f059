"""What a link may ask: one method an operation, each answering with plain data.

The policy's `enabled` and its forbidden verbs are looked up at each request that reads values or arms something, so
that an owner who says stop is heard at once.
"""

from __future__ import annotations

from pyrometer.agent.sampler import Sampler
from pyrometer.agent.sources import Sources
from pyrometer.agent.stacks import capture
from pyrometer.guard import permissions
from pyrometer.link.errors import BadRequest, UnknownOperation
from pyrometer.link.model import OPERATIONS, ProbeSpec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyrometer.agent.links import Link
    from pyrometer.agent.reception import Reception
    from pyrometer.guard.policy import Policy
    from pyrometer.guard.redaction import Redactor

_MAX_LINES = 20_000


class Requests:
    """Answers the requests of one link, and ends with it what it started."""

    def __init__(self, reception: Reception, link: Link, policy: Policy, redactor: Redactor) -> None:
        self._reception = reception
        self._link = link
        self._policy = policy
        self._clean = redactor.clean
        self._sources = Sources()
        self._leases: dict[str, float] = {}
        self._sampler: Sampler | None = None

    def release(self) -> None:
        """The watcher is gone: disarm its probes, end its sampler."""
        self._reception.registry.release(self._link)
        if self._sampler is not None:
            self._sampler.stop()

    def handle(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer one request. Raises LinkError for what can't be done."""
        operation = request.get("op")
        if not isinstance(operation, str):
            raise BadRequest("a request needs an operation")
        method = getattr(self, f"_{operation}", None) if operation in OPERATIONS else None
        if method is None:
            raise UnknownOperation(f"this agent does not know the operation {operation[:40]!r}")
        permissions.check(operation, self._link.peer.uid, self._policy)
        answer: dict[str, Any] = method(request)
        return answer

    def _ping(self, request: dict[str, Any]) -> dict[str, Any]:
        return {}

    def _dump(self, request: dict[str, Any]) -> dict[str, Any]:
        answer = capture(self._reception.own_threads())
        self._sources.name(code[1] for code in answer["codes"])
        return answer

    def _source(self, request: dict[str, Any]) -> dict[str, Any]:
        """Lines of source text: `lines` is a list of [file, line, lines before, lines after]."""
        asked = request.get("lines")
        if not isinstance(asked, list) or len(asked) > _MAX_LINES:
            raise BadRequest("source needs a list of at most 20,000 places")
        return {"lines": [self._around(place) for place in asked]}

    def _around(self, place: Any) -> list[list[object]] | None:
        shape = (str, int, int, int)
        if not (isinstance(place, list) and [type(part) for part in place] == list(shape)):
            raise BadRequest("a place is [file, line, lines before, lines after]")
        file, line, before, after = place
        lines = self._sources.around(file, line, min(before, 50), min(after, 50))
        return lines and [[number, self._clean(str(text))] for number, text in lines]

    def _arm(self, request: dict[str, Any]) -> dict[str, Any]:
        """Arm a probe for as long as this link lives; the link is given up once it is silent for the lease."""
        spec = ProbeSpec.from_wire(request.get("probe"))
        spec = spec._replace(by=self._named(spec.by))
        status = self._reception.registry.arm(spec, self._link, self._emit)
        self._leases[spec.probe_id] = spec.lease
        self._link.lease = max(self._leases.values())
        asked = f" if {spec.condition}" if spec.condition else ""
        self._audit(f"probe {spec.probe_id} armed by {spec.by}: {spec.where}{asked}")
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
            self._audit(f"probes {', '.join(gone)} removed by {self._named('')}")
        return {"probe_ids": gone}

    def _probes(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"probes": [status._asdict() for status in self._reception.registry.statuses()]}

    def _sample(self, request: dict[str, Any]) -> dict[str, Any]:
        """Start this link's sampler at `rate` looks a second; 0 ends it."""
        rate = request.get("rate")
        if type(rate) is not int or not 0 <= rate <= 1000:
            raise BadRequest("a rate is from 0 to 1,000 a second")
        if self._sampler is None:
            self._sampler = Sampler(lambda: set(self._reception.own_threads()), self._policy.cpu_share)
        if rate:
            self._sampler.start(rate)
        else:
            self._sampler.stop()
        return {}

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
        peer = self._link.peer
        return f"uid {peer.uid}, pid {peer.pid}" + (f", who claims to be {claimed}" if claimed else "")
