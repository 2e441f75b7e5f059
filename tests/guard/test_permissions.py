"""Roles and forbidden verbs: who was let in gets what the owner gives."""

from __future__ import annotations

import pytest

from pyrometer.guard.permissions import check, has_role, permitted, role_of
from pyrometer.guard.policy import Policy
from pyrometer.link.errors import Refused
from pyrometer.link.model import OPERATIONS

EVERYTHING = ["ping", "dump", "tasks", "locals", "source", "probes", "vitals", "sample", "sampled", "arm", "disarm"]


def test_every_operation_has_its_role() -> None:
    """A new one is refused until it is given one."""
    assert set(EVERYTHING) == set(OPERATIONS)
    assert permitted(1000, Policy()) == EVERYTHING


@pytest.mark.parametrize(
    ("role", "missing"),
    [
        ("none", set(EVERYTHING)),
        ("view", {"locals", "sample", "sampled", "arm", "disarm"}),
        ("profile", {"locals", "arm", "disarm"}),
        ("inspect", set()),
        ("admin", set()),
    ],
)
def test_each_role_includes_those_before_it(role: str, missing: set[str]) -> None:
    """And says what it lacks, and whose word that is."""
    policy = Policy(roles={"uid:1000": role})
    assert role_of(1000, policy) == role
    assert set(EVERYTHING) - set(permitted(1000, policy)) == missing
    assert role_of(1001, policy) == "inspect"
    for operation in missing:
        with pytest.raises(Refused, match=f"user 1000 has the role {role} here"):
            check(operation, 1000, policy)


def test_others_probes_are_the_administrators() -> None:
    """The default is not enough."""
    assert not has_role(0, Policy(), "admin")
    assert has_role(0, Policy(roles={"uid:0": "admin"}), "admin")


def test_a_forbidden_verb_is_forbidden_to_all() -> None:
    """An administrator as well."""
    policy = Policy(roles={"uid:0": "admin"}, forbidden_verbs=("record",))
    assert "sample" not in permitted(0, policy)
    with pytest.raises(Refused, match="forbids record"):
        check("sampled", 0, policy)
