"""Who belongs to a service: any user may bind a name that says so."""

from __future__ import annotations

import os

import pytest

from pyrometer.server import kernel, roster

ROOT, SHOP, OTHER = 0, 1000, 65000
PARENTS = {11: 10, 12: 10, 20: 12, 30: 1, 31: 1, 10: 1}


@pytest.mark.parametrize(
    ("us", "uids", "believed"),
    [
        pytest.param(SHOP, {30: SHOP, 31: OTHER}, {30}, id="ours"),
        pytest.param(SHOP, {10: ROOT, 11: SHOP, 31: OTHER}, {10, 11}, id="ours, and root's"),
        pytest.param(SHOP, {31: OTHER}, set(), id="nobody of ours"),
        pytest.param(ROOT, {10: ROOT, 11: SHOP, 12: SHOP}, {10, 11, 12}, id="workers of a master of root's"),
        pytest.param(ROOT, {10: ROOT, 20: SHOP}, {10, 20}, id="children of its children"),
        pytest.param(ROOT, {10: ROOT, 11: SHOP, 31: OTHER}, {10, 11}, id="root's, and one that claims to be"),
        pytest.param(ROOT, {30: SHOP, 31: SHOP}, {30, 31}, id="one user's"),
        pytest.param(ROOT, {30: SHOP, 31: OTHER}, set(), id="two users': nobody knows whose it is"),
    ],
)
def test_a_name_alone_makes_nobody_part_of_a_service(
    us: int, uids: dict[int, int], believed: set[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who is asked is told what to look for, conditions included; and answers what it likes."""
    monkeypatch.setattr(os, "geteuid", lambda: us)
    monkeypatch.setattr(kernel, "parent_of", lambda pid: PARENTS.get(pid, 0))
    assert roster._believed(uids) == believed
