"""Greenlets, as far as no service is needed for it: tests/integration/test_tasks.py has real ones."""

from __future__ import annotations

import greenlet
import pytest

from pyrometer.agent import greenlets


def test_a_process_too_large_to_be_searched_is_not_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    """The service waits for the search: it is said that there was none, not that there are no greenlets."""
    assert greenlet.getcurrent() is not None
    monkeypatch.setattr(greenlets, "MAX_BLOCKS", 0)
    assert greenlets.capture()["greenlets"] is None
    monkeypatch.setattr(greenlets, "MAX_BLOCKS", 10**12)
    assert greenlets.capture()["greenlets"] is not None
