"""Hits of one probe that wait for what becomes of their exceptions: sent already, or kept back until it is known."""

from __future__ import annotations

from pyrometer.link.model import NOT_YET, verdict_event

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from pyrometer.agent.engines.fates import Verdict

    Follow = Callable[[BaseException, Callable[[Verdict], None], object], bool]
    Emit = Callable[[dict[str, Any], int], bool]

MAX_KEPT = 32
"""Hits that are kept back at once."""
MAX_KEPT_BYTES = 4 * 1024 * 1024
NOT_FOLLOWED = "not followed: too many exceptions are, or it could not be begun"
_WEIGHT = 500


class Verdicts:
    """Those of one probe. `follow` and `emit` are called in the service's threads, the rest on one of ours too."""

    def __init__(self, probe_id: str, follow: Follow, emit: Emit) -> None:
        self._probe_id = probe_id
        self._follow = follow
        self._emit = emit
        self._sent: dict[str, None] = {}
        """Ids of hits that went out without a verdict."""
        self._kept: dict[str, int] = {}
        """Bytes of those that did not."""
        self.handled = self.undecided = 0
        """Hits whose exceptions somebody handled; those of which nobody can know."""
        self.last_handled = ""
        """Who handled the latest: what follows "handled"."""

    @property
    def awaited(self) -> bool:
        """Whether any is."""
        return bool(self._sent or self._kept)

    def promise(self, hit: dict[str, Any], exc: BaseException) -> None:
        """Have a verdict follow a hit that is about to be sent; `hit` says so, or why none will."""
        hit_id = hit["hit_id"]
        self._sent[hit_id] = None
        followed = self._follow(exc, lambda verdict: self._send(hit_id, verdict), self)
        hit["exception"]["handled_why"] = NOT_YET if followed else NOT_FOLLOWED
        if not followed:
            self.retract(hit_id)

    def retract(self, hit_id: str) -> None:
        """The hit was not sent after all."""
        self._sent.pop(hit_id, None)

    def keep(
        self,
        hit: dict[str, Any],
        weight: int,
        exc: BaseException,
        judge: Callable[[dict[str, Any], int, Verdict], None],
    ) -> bool:
        """Keep a hit back and have it judged once it is known what became of it. False: there are too many."""
        hit_id = hit["hit_id"]
        if len(self._kept) >= MAX_KEPT or sum(self._kept.values()) + weight > MAX_KEPT_BYTES:
            return False
        self._kept[hit_id] = weight

        def known(verdict: Verdict) -> None:
            if self._kept.pop(hit_id, None) is not None:
                self._count(verdict)
                hit["exception"].update(handled=verdict.handled, handled_why=verdict.why)
                judge(hit, weight, verdict)

        if not self._follow(exc, known, self):
            self._kept.pop(hit_id, None)
            return False
        return True

    def forget(self) -> None:
        """Nobody waits any more."""
        self._sent.clear()
        self._kept.clear()

    def _count(self, verdict: Verdict) -> None:
        """Of verdicts, which all come on one thread."""
        if verdict.handled:
            self.last_handled = verdict.why
            self.handled += 1
        elif verdict.handled is None:
            self.undecided += 1

    def _send(self, hit_id: str, verdict: Verdict) -> None:
        if hit_id in self._sent:
            self._count(verdict)
            told = verdict_event(self._probe_id, hit_id, handled=verdict.handled, why=verdict.why)
            self._emit(told, _WEIGHT)
            self._sent.pop(hit_id, None)
