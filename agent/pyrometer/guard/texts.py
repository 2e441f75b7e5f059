"""Which texts hold a secret, whatever their name: tokens of known shapes, card numbers, credentials in URLs.

Every pattern is linear in the text, and none is tried before a cheap test of a part that it needs: most values of a
service are short and innocent, and they are what a capture pays for. Callers bound the text.
"""

from __future__ import annotations

import re

from pyrometer.guard.patterns import Pattern
from pyrometer.link.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MARGIN = 256
"""Characters beyond what is shown that must be looked at too: a secret may begin before the cut and end behind it."""

SHORTEST = 12
"""No shape is shorter than this."""


class Shape(NamedTuple):
    """A kind of secret that can be told by its looks."""

    rule: str
    marks: tuple[str, ...]
    """One of these stands in every text that matches."""
    pattern: Pattern
    instead: str
    """What takes its place, as a template of `Match.expand`."""


def _shape(rule: str, marks: str, pattern: str, instead: str = "{}") -> Shape:
    made = Pattern(pattern, re.ASCII | re.DOTALL)
    return Shape(rule, tuple(marks.split(" ")), made, instead.format(f"<redacted: {rule}>"))


_SHAPES = (
    _shape("JWT", "eyJ", r"(?<![\w-])eyJ[\w-]{8,}+\.[\w-]{4,}+(?:\.[\w-]*+){0,3}"),
    _shape(
        "PEM",
        "-----BEGIN",
        r"-----BEGIN (?:[A-Z0-9]{1,16} ){0,4}PRIVATE KEY.*?(?:-----END [A-Z0-9 ]{1,80}-----|\Z)",
    ),
    _shape("AWS key", "AKIA ASIA ABIA ACCA", r"(?<![A-Za-z0-9])A(?:KIA|SIA|BIA|CCA)[A-Z0-9]{16}(?![A-Za-z0-9])"),
    _shape(
        "GitHub token",
        "ghp_ gho_ ghu_ ghs_ ghr_ github_pat_",
        r"(?<![A-Za-z0-9])(?:gh[pousr]_[A-Za-z0-9]{20,}+|github_pat_[A-Za-z0-9_]{20,}+)",
    ),
    _shape(
        "Slack token",
        "xox xapp- hooks.slack.com/",
        r"(?<![A-Za-z0-9])(?:xox[abceoprs]-[A-Za-z0-9-]{8,}+|xapp-[A-Za-z0-9-]{8,}+|hooks\.slack\.com/\S{1,200})",
    ),
    _shape(
        "Stripe key",
        "_live_ _test_ whsec_",
        r"(?<![A-Za-z0-9])(?:[sr]k_(?:live|test)_[A-Za-z0-9]{8,}+|whsec_[A-Za-z0-9+/=]{16,}+)",
    ),
    _shape(
        "API key",
        "AIza sk- glpat- npm_ pypi-A SG. hf_ ya29.",
        r"(?<![\w-])(?:AIza[\w-]{30,}+|sk-[\w-]{20,}+|glpat-[\w-]{16,}+|npm_[A-Za-z0-9]{30,}+|pypi-A[\w-]{30,}+"
        r"|SG\.[\w-]{16,}+\.[\w-]{16,}+|hf_[A-Za-z0-9]{30,}+|ya29\.[\w-]{20,}+)",
    ),
    _shape(
        "URL userinfo",
        "://",
        r"(://)(?:[^\s/@:?#\"'<>]{0,256}+:(?![*]+@)[^\s/@\"'<>]{1,256}+|[^\s/@:?#\"'<>]{16,256}+)@",
        instead=r"\1{}@",
    ),
    _shape(
        "credentials",
        "earer asic EARER ASIC",
        r"(?i:\b(bearer|basic)\s{1,4})(?=[\w+/.~=-]{0,80}[0-9=])[\w+/.~=-]{8,}+",
        instead=r"\1 {}",
    ),
)

_MAYBE_CARD = Pattern(r"[0-9]{4}[ -]?[0-9]{4}")
_DIGITS = Pattern(r"(?<![0-9])(?<![0-9]\.)[0-9]{3,19}(?![0-9])(?:[ -][0-9]{3,19}(?![0-9]))*+")
_GROUP = Pattern(r"[0-9]+")
_CARD = Pattern(
    r"4(?:[0-9]{12}|[0-9]{15}|[0-9]{18})|5[1-5][0-9]{14}|2(?:2[2-9]|[3-6][0-9]|7[01]|720)[0-9]{12,13}"
    r"|3[47][0-9]{13}|3(?:0[0-5]|[689][0-9])[0-9]{11}|35[2-8][0-9]{13}|6(?:011|5[0-9]{2}|4[4-9][0-9])[0-9]{12}"
    r"|62[0-9]{14,17}|(?:5018|5020|5038|6304|6759|676[1-3])[0-9]{8,15}"
)

_PAIR = Pattern(r"\b([A-Za-z_][\w.-]{0,63}+)\\{0,3}[\"']?[ \t]{0,4}(?:=>|[:=](?!//))[ \t]{0,4}", re.ASCII)
_OPTION = Pattern(r"(?<!\S)--([A-Za-z][\w-]{0,63}+)[ \t]{1,4}(?!-)(?=\S)", re.ASCII)
_PLACEHOLDER = Pattern(
    r"(?:%s|%\(\w{1,64}\)s|\?|:[a-z_]\w{0,64}|\$[0-9]{1,2}|\$?\{\w{0,64}\}"
    r"|None|null|[Tt]rue|[Ff]alse|\\{0,3}([\"'])\\{0,3}\1)(?:[\s,;&)}\]\"']|\Z)|[\s,;&)}\]]|\*{3}|<redacted|\Z",
    re.ASCII,
)
_OPENING = Pattern(r"[bru]?(\\{0,7})([\"'])")
_QUOTE = Pattern(r"(?<!\\)(\\*+)([\"'])")
_BARE = Pattern(r"(?:(?i:bearer|basic|digest|token) +)?[^\s,;&)}\]\"']*")
_HEADER = Pattern(r"[^\r\n\"']*")
_WHOLE_LINE = ("authorization", "cookie")


def shape_in(text: str) -> str | None:
    """Name the first shape that the text contains, None: it contains none."""
    if _has_mark(text):
        for shape in _SHAPES:
            if any(mark in text for mark in shape.marks) and shape.pattern.search(text):
                return shape.rule
    if _MAYBE_CARD.search(text) and next(_cards_in(text), None):
        return "card number"
    return None


def _has_mark(text: str) -> bool:
    """Tell whether any mark of a shape is there. Written out: a loop over them costs as much as all the rest."""
    if "-" in text and (
        "-----BEGIN" in text
        or "xox" in text
        or "xapp-" in text
        or "sk-" in text
        or "glpat-" in text
        or "pypi-A" in text
    ):
        return True
    if "_" in text and (
        "gh" in text
        or "github_pat_" in text
        or "_live_" in text
        or "_test_" in text
        or "whsec_" in text
        or "npm_" in text
        or "hf_" in text
    ):
        return True
    if "A" in text and ("KIA" in text or "SIA" in text or "BIA" in text or "CCA" in text or "AIza" in text):
        return True
    if "." in text and ("eyJ" in text or "SG." in text or "ya29." in text or "hooks.slack" in text):
        return True
    return "://" in text or "earer" in text or "asic" in text or "EARER" in text or "ASIC" in text


def named_in(text: str, is_secret: Callable[[str], bool]) -> bool:
    """Tell whether the text gives a value to a secret name: `password=x`, `"token": "x"`, `Cookie: x`, `--pin x`."""
    if ":" in text or "=" in text:
        for match in _PAIR.finditer(text):
            if is_secret(match.group(1)) and not _PLACEHOLDER.match(text, match.end()):
                return True
    return "--" in text and next(_named_values(text, is_secret), None) is not None


def without_shapes(text: str) -> str:
    """Replace every secret of a known shape by the name of its rule."""
    for shape in _SHAPES:
        if any(mark in text for mark in shape.marks):
            text = shape.pattern.sub(shape.instead, text)
    for start, end in reversed(list(_cards_in(text))) if _MAYBE_CARD.search(text) else ():
        text = f"{text[:start]}<redacted: card number>{text[end:]}"
    return text


def without_named(text: str, is_secret: Callable[[str], bool]) -> str:
    """Replace every value that the text gives to a secret name."""
    parts: list[str] = []
    done = 0
    for start, end in _named_values(text, is_secret):
        parts += (text[done:start], "<redacted: name>")
        done = end
    return "".join(parts) + text[done:]


def is_card_number(digits: str) -> bool:
    """Tell whether digits have the length and the first digits of a card company, and a right check digit (Luhn)."""
    if _CARD.fullmatch(digits) is None:
        return False
    doubled = (int(digit) * 2 for digit in digits[-2::-2])
    return (sum(map(int, digits[-1::-2])) + sum(value - 9 if value > 9 else value for value in doubled)) % 10 == 0


def _cards_in(text: str) -> Iterator[tuple[int, int]]:
    """Yield where card numbers begin and end: whole runs of digits, or neighbours parted by a blank or a hyphen."""
    for run in _DIGITS.finditer(text):
        groups = [group.span() for group in _GROUP.finditer(text, *run.span())]
        done = 0
        for first, (start, _) in enumerate(groups):
            end = _card_from(text, groups[first:]) if first >= done else 0
            if end:
                yield start, end
                done = next((i for i, group in enumerate(groups) if group[0] >= end), len(groups))


def _card_from(text: str, groups: list[tuple[int, int]]) -> int:
    """Where the card number that begins with the first group ends; 0: there is none."""
    digits = ""
    for start, end in groups[:6]:
        digits += text[start:end]
        if len(digits) > 19:
            break
        if len(digits) >= SHORTEST and is_card_number(digits):
            return end
    return 0


def _named_values(text: str, is_secret: Callable[[str], bool]) -> Iterator[tuple[int, int]]:
    """Yield where the values of secret names begin and end, in order and without overlap."""
    done = 0
    for match in _pairs_in(text):
        start = match.end()
        if start >= done and is_secret(match.group(1)) and not _PLACEHOLDER.match(text, start):
            done = _end_of_value(text, start, match.group(1).lower())
            yield start, done


def _pairs_in(text: str) -> list[re.Match[str]]:
    """Where a name is followed by what may be its value, in order."""
    pairs = [*_PAIR.finditer(text)] if ":" in text or "=" in text else []
    return sorted([*pairs, *_OPTION.finditer(text)], key=re.Match.end) if "--" in text else pairs


def _end_of_value(text: str, start: int, name: str) -> int:
    """Where the value that begins at `start` ends; a nested one is taken to reach the end of the text."""
    opening = _OPENING.match(text, start)
    if opening is not None:
        return _end_of_quoted(text, opening)
    if text.startswith(("{", "[", "("), start):
        return len(text)
    bare = (_HEADER if name.endswith(_WHOLE_LINE) else _BARE).match(text, start)
    return bare.end() if bare else len(text)


def _end_of_quoted(text: str, opening: re.Match[str]) -> int:
    """Where a quoted value ends: at the next quote that has as many backslashes before it as the first.

    One with more is part of the value, or the value ends with a backslash: then too much is withheld.
    """
    for quote in _QUOTE.finditer(text, opening.end()):
        if quote.groups() == opening.groups():
            return quote.end()
    return len(text)
