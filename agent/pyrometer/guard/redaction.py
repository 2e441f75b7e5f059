"""What is withheld: values of secret names, and texts that hold a secret, by our rules and by the owner's policy.

It is decided inside the process, on every source that is read, before anything leaves. What it can't see is a secret
under an innocent name and of no known shape.
"""

from __future__ import annotations

import re

from pyrometer.guard import names, texts
from pyrometer.guard.patterns import prepare

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from pyrometer.guard.policy import Policy

MAX_VERDICTS = 4096
"""Names whose verdict is remembered."""
MAX_ARGUMENTS = 1000
MAX_ARGUMENT = 4096
"""Characters of one argument of a command line."""

_UNBOUNDED = 16
"""Repetitions from which on a repeat counts as one without end."""


class Redactor:
    """Decides what is withheld. Safe to use from any thread; keeps no text that it was shown, names apart.

    `verdicts[name]` is `name(name)` without the call, for who asks a thousand times while somebody waits.
    """

    __slots__ = ("_patterns", "verdicts")

    def __init__(self, names: Iterable[str] = (), patterns: Iterable[str] = ()) -> None:
        """Add the owner's names and regular expressions to ours.

        Raises:
            ValueError: a pattern is no regular expression, or could take exponential time; the text says which.
        """
        prepare()
        self.verdicts = _Verdicts(names)
        self._patterns = tuple(compile_pattern(pattern) for pattern in patterns)

    @classmethod
    def from_policy(cls, policy: Policy) -> Redactor:
        """The redactor that a policy asks for."""
        return cls(policy.redact_names, policy.redact_patterns)

    def name(self, name: str) -> bool:
        """Tell whether values of this name are withheld."""
        return self.verdicts[name]

    def secret_in(self, text: str) -> str | None:
        """Name the rule by which a text is withheld; None: it may be shown.

        Pass what is shown and `texts.MARGIN` characters more, so that a secret across the cut is seen.
        """
        if len(text) >= texts.SHORTEST:
            rule = texts.shape_in(text)
            if rule is not None:
                return rule
        for pattern in self._patterns:
            if pattern.search(text):
                return "policy"
        if (":" in text or "=" in text or "--" in text) and texts.named_in(text, self.verdicts.__getitem__):
            return "named secret"
        return None

    def secret_number(self, number: int) -> str | None:
        """Name the rule by which an exact int is withheld: it may be a card number, or one of the owner's."""
        if 10**11 <= number < 10**19 and texts.is_card_number(str(number)):
            return "card number"
        if self._patterns and -(10**80) < number < 10**80:
            text = str(number)
            return "policy" if any(pattern.search(text) for pattern in self._patterns) else None
        return None

    def clean(self, text: str) -> str:
        """Replace each secret in a text by the rule that found it: for log lines and messages of exceptions."""
        text = texts.without_named(texts.without_shapes(text), self.name)
        for pattern in self._patterns:
            text = pattern.sub("<redacted: policy>", text)
        return text

    def argv(self, argv: Iterable[str]) -> list[str]:
        """Redact a command line: what follows a secret option, `NAME=value`, and secrets in anything else."""
        cleaned: list[str] = []
        secret_follows = False
        for argument in [*argv][:MAX_ARGUMENTS]:
            if secret_follows and not argument.startswith("--"):
                cleaned.append("<redacted: name>")
                secret_follows = False
                continue
            name, is_assignment, _ = argument[: names.MAX_NAME].partition("=")
            is_secret = self.name(name)
            secret_follows = is_secret and name.startswith("-") and not is_assignment
            cleaned.append(
                f"{name}=<redacted: name>" if is_assignment and is_secret else self.clean(argument[:MAX_ARGUMENT])
            )
        return cleaned


class _Verdicts(dict[str, bool]):
    """Remembers for each name whether it is secret, up to a number of names."""

    def __init__(self, added: Iterable[str]) -> None:
        super().__init__()
        self._phrases = tuple(filter(None, (tuple(names.words_of(name)) for name in added)))

    def __missing__(self, name: str) -> bool:
        verdict = names.is_secret(name) or self._is_added(name)
        if len(name) <= names.MAX_NAME:
            if len(self) >= MAX_VERDICTS:
                self.clear()
            self[name] = verdict
        return verdict

    def _is_added(self, name: str) -> bool:
        if not self._phrases:
            return False
        words = names.words_of(name)
        return any(names.has_phrase(words, phrase) for phrase in self._phrases)


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
