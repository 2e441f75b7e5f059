"""Regular expressions that are compiled when somebody looks, not when the service starts: thirty of them take 10 ms."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_waiting: list[Pattern] = []


class Pattern:
    """A regular expression that `prepare` compiles; its methods are those of `re.Pattern`."""

    __slots__ = ("findall", "finditer", "flags", "fullmatch", "match", "search", "source", "sub")

    search: Callable[[str], re.Match[str] | None]
    match: Callable[[str, int], re.Match[str] | None]
    fullmatch: Callable[[str], re.Match[str] | None]
    finditer: Callable[..., Iterator[re.Match[str]]]
    findall: Callable[[str], list[str]]
    sub: Callable[[str, str], str]

    def __init__(self, source: str, flags: int = 0) -> None:
        self.source = source
        self.flags = flags
        _waiting.append(self)

    def compile(self) -> None:
        """Make it ready; once more does no harm."""
        compiled = re.compile(self.source, self.flags)
        for name in ("search", "match", "fullmatch", "finditer", "findall", "sub"):
            setattr(self, name, getattr(compiled, name))


def prepare() -> None:
    """Compile what was not compiled yet. Where two threads do it at once, both do it all."""
    for pattern in tuple(_waiting):
        pattern.compile()
    _waiting.clear()
