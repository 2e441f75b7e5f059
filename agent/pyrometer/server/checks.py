"""What `doctor` says: a check with what was found, a command that confirms it, and what to do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """One check. `confirm` and `remedy` are empty where there is nothing to confirm or to do."""

    name: str
    ok: bool
    cause: str
    confirm: str = ""
    remedy: str = ""


def passed(name: str, cause: str) -> Check:
    """A check that found what it should."""
    return Check(name, ok=True, cause=cause)


def failed(name: str, cause: str, confirm: str = "", remedy: str = "") -> Check:
    """A check that did not, with the commands to type."""
    return Check(name, ok=False, cause=cause, confirm=confirm, remedy=remedy)
