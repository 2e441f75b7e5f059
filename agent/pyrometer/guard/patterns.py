"""Regular expressions: ours, compiled when somebody looks, and the owner's, which must not take for ever.

Ours are not compiled when the service starts: thirty of them take 10 ms.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

_UNBOUNDED = 16
"""Repetitions from which on a repeat counts as one without end."""
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


def compile_pattern(pattern: str) -> re.Pattern[str]:
    """Compile a regular expression of the owner's.

    Raises:
        ValueError: it is none, it matches the empty text, or a repeat stands in a repeat, which on the wrong text takes
            longer than the service has.
    """
    try:
        compiled = re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"{pattern!r} is not a regular expression: {error}") from None
    if compiled.search(""):
        raise ValueError(f"{pattern!r} matches the empty text, and so every text")
    if _repeats_a_repeat(_parse(pattern), inside=False):
        raise ValueError(f"{pattern!r} has a repeat inside a repeat, which can take for ever; write it without")
    return compiled


def _parse(pattern: str) -> Any:
    from re import _parser  # type: ignore[attr-defined]

    return _parser.parse(pattern)


def _repeats_a_repeat(node: Any, *, inside: bool) -> bool:
    """Walk what `re` parsed: nested lists and tuples of operations and their arguments."""
    if isinstance(node, tuple) and len(node) == 2 and str(node[0]) in ("MAX_REPEAT", "MIN_REPEAT"):
        _, most, repeated = node[1]
        is_unbounded = int(most) > _UNBOUNDED
        return (inside and is_unbounded) or _repeats_a_repeat(repeated, inside=inside or is_unbounded)
    if isinstance(node, (tuple, list)) or hasattr(node, "data"):
        return any(_repeats_a_repeat(part, inside=inside) for part in node)
    return False
