"""Fixtures of the integration tests."""

from __future__ import annotations

import os

import pytest


@pytest.fixture
def unique() -> str:
    """A service's name that no other test has."""
    return f"t{os.urandom(4).hex()}"
