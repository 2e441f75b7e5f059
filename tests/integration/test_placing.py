"""A place that one process of a service refuses and another has not loaded."""

from __future__ import annotations

from tests.support.services import PROGRAMS, program, pyrometer


def test_a_line_that_is_none_is_refused_at_once(unique: str) -> None:
    """Fault 28: nobody waits for the time to pass because one process has not loaded the file, as gunicorn's master."""
    file = PROGRAMS / "calling.py"
    blank = file.read_text().splitlines().index("class Store:")
    with program("calling", unique), program("idle", unique):
        typed = pyrometer("snap", unique, f"{file.name}:{blank}", "--for", "1h")
    assert typed.code == 2
    assert f"no code that is loaded runs at line {blank} of {file.name} (blank)" in typed.err
    assert "nearest lines" in typed.err
