"""Values of the frames of a whole look: which frames may show any, and how much that may be together.

Each stack is one capture, with its own budgets, aliases and references; all of them share one budget more. It happens
in a thread of ours while the service's go on: a frame's variables need not all be of the same moment.
"""

from __future__ import annotations

from pyrometer.agent.frames import prepare, read_foreign
from pyrometer.agent.scopes import is_ours
from pyrometer.agent.slices import Slices
from pyrometer.agent.stacks import module_of
from pyrometer.agent.values import Capture

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import Any

    from pyrometer.guard.policy import Policy
    from pyrometer.guard.redaction import Redactor
    from pyrometer.link.model import ProbeLimits

MAX_BYTES = 3_000_000
"""Bytes of all values of one answer, encoded, at the worst; a frame of the link has 8 MiB."""
PATIENCE = 10
"""How much longer than a probe's one stack's values may take, which is 50 ms: no thread waits for them."""
MAX_SECONDS = 0.3
"""CPU time that all of them may take."""


class Disclosure:
    """Captures the variables of stacks, one after the other, until its budget is used up."""

    def __init__(self, limits: ProbeLimits, policy: Policy, redactor: Redactor) -> None:
        prepare()
        self._limits = limits
        self._policy = policy
        self._redactor = redactor
        self._slices = Slices(MAX_SECONDS)
        self._left = MAX_BYTES
        self.frames = 0
        """Frames whose variables were read."""

    def of_stack(self, frames: list[FrameType], *, kept: bool = False) -> list[list[list[Any]] | None]:
        """The variables of each frame; None of those that show none: the agent's, forbidden ones, those too many.

        Args:
            kept: whether the caller holds the coroutines whose frames these are.
        """
        shape = self._policy.values == "shape"
        capture = Capture(self._limits, self._redactor, shape=shape, patience=PATIENCE)
        shown = [self._of(frame, capture, kept=kept) for frame in frames[: self._limits.frames]]
        self._left -= capture.used_bytes
        return shown

    def _of(self, frame: FrameType, capture: Capture, *, kept: bool) -> list[list[Any]] | None:
        module = module_of(frame)
        if (
            self._slices.over
            or capture.used_bytes > self._left
            or is_ours(module)
            or self._policy.forbids_module(module)
        ):
            return None
        variables = read_foreign(frame, kept=kept)
        if variables is None:
            return None
        self.frames += 1
        found = capture.variables(variables)
        self._slices.look()
        return found
