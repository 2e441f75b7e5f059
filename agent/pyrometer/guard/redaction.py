"""What is withheld: values of secret names, and texts that hold a secret, by our rules and by the owner's policy.

It is decided inside the process, on every source that is read, before anything leaves. What it can't see is a secret
under an innocent name and of no known shape.
"""

from __future__ import annotations

from pyrometer.guard import names, texts
from pyrometer.guard.patterns import compile_pattern, prepare

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyrometer.guard.policy import Policy

MAX_VERDICTS = 4096
"""Names whose verdict is remembered."""
MAX_ARGUMENTS = 1000
MAX_ARGUMENT = 4096
"""Characters of one argument of a command line."""


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
