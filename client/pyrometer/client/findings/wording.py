"""Words that several rules use: places, shares, names. Nothing here is escaped: that is the renderer's."""

from __future__ import annotations

from pyrometer.client.findings.observation import Document


def at(frame: Document | None) -> str:
    """A place: `discount_for (shop/pricing.py:88)`; without a frame `code that has no Python frame`."""
    if frame is None:
        return "code that has no Python frame"
    return f"{frame['function']} ({'/'.join(frame['file'].split('/')[-2:])}:{frame['line']})"


def looks(count: int, of: int) -> str:
    """In how many looks: `in all 16 looks`, `in 12 of 16 looks`."""
    return f"in all {of} looks" if count == of and of > 1 else f"in {count} of {of} looks"


def mebibytes(count: float) -> str:
    """Bytes as MiB."""
    return f"{count / 2**20:,.1f} MiB"


def names(found: list[str]) -> str:
    """Names, the first four: `a, b and c`, `a, b, c, d and 12 more`."""
    if len(found) > _SHOWN + 1:
        return f"{', '.join(found[:_SHOWN])} and {len(found) - _SHOWN} more"
    return " and ".join(filter(None, [", ".join(found[:-1]), found[-1]])) if found else "nobody"


def seconds(value: float) -> str:
    """A time: `12 ms`, `1.8 s`."""
    return f"{value:.1f} s" if value >= 1 else f"{1000 * value:.0f} ms"


_SHOWN = 4
