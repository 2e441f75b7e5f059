"""What a row says: figures, each with its bar, with what the same costs elsewhere, and with the machine's noise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Beside:
    """The same thing done otherwise: by a peer, or not at all."""

    name: str
    value: float | None
    """None: it could not be measured, or does not do this at all."""
    note: str = ""


@dataclass(frozen=True)
class Figure:
    """One measured number."""

    what: str
    value: float
    unit: str
    """"ms", "µs", "ns", "MB", "/s", "x" (a ratio) or "" (a count)."""
    bar: float | None = None
    """What it has to reach; None: it is shown for its own sake."""
    at_least: bool = False
    """Whether the bar is a lower bound."""
    quartiles: tuple[float, float] | None = None
    """Between these lies the middle half of the rounds."""
    control: float | None = None
    """Of a ratio: the same measured of two things that are alike. What it is off from 1 is noise."""
    beside: Sequence[Beside] = ()
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the bar is reached; None: there is none, or the noise is larger than the distance to it.

        Noise is judged for ratios, which lie near their bars: by what the control is off from 1, and by whether the bar
        lies in the middle half of the rounds.
        """
        if self.bar is None or self._drowned:
            return None
        return self.value >= self.bar if self.at_least else self.value <= self.bar

    @property
    def verdict(self) -> str:
        """`met` in a word."""
        if self.bar is None:
            return ""
        return {True: "met", False: "MISSED", None: "noise"}[self.met]

    @property
    def _drowned(self) -> bool:
        if self.control is None or self.bar is None:
            return False
        least, most = self.quartiles or (self.value, self.value)
        return abs(self.value - self.bar) < abs(self.control - 1) or least < self.bar < most


@dataclass(frozen=True)
class Setting:
    """How much is done: `rounds` of what is repeated, and whether peers beyond py-spy and grpcio are asked too."""

    quick: bool = False
    peers: str = ""
    """A Python that has ddtrace, debugpy and pystack, as far as they can be had; empty: they are not asked."""

    def rounds(self, usual: int) -> int:
        """As many rounds as usual, or a third of them."""
        return max(3, usual // 3) if self.quick else usual


@dataclass(frozen=True)
class Row:
    """A row of the design's table: how it is measured."""

    name: str
    """What `--row` calls it."""
    measure: Callable[[Setting], Sequence[Figure]]


@dataclass(frozen=True)
class Measured:
    """A row with its figures, or why it could not be measured."""

    row: str
    seconds: float
    figures: Sequence[Figure] = field(default_factory=tuple)
    failure: str = ""
