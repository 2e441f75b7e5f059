"""What somebody who was let in may ask for: by the role that the owner's policy gives them, and what it forbids all.

Who comes as the process's own user, or as root, could read the process without us: here roles prevent mistakes.
"""

from __future__ import annotations

from pyrometer.guard.policy import ROLES
from pyrometer.link.errors import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyrometer.guard.policy import Policy

_UNNAMED = "inspect"
"""Role of the process's own user and of root, where the policy does not name them."""
_NEEDED = {
    "ping": ("", "view"),
    "dump": ("dump", "view"),
    "tasks": ("dump", "view"),
    "locals": ("dump", "inspect"),
    "source": ("", "view"),
    "probes": ("", "view"),
    "vitals": ("", "view"),
    "sample": ("record", "profile"),
    "sampled": ("record", "profile"),
    "arm": ("", "inspect"),  # snap and catch are told apart where the probe is known
    "disarm": ("", "inspect"),
}
"""Operation of the link → the verb that it serves, and the least role."""


def role_of(uid: int, policy: Policy) -> str:
    """The role of a user of this machine, one of `ROLES`."""
    return policy.roles.get(f"uid:{uid}", _UNNAMED)


def has_role(uid: int, policy: Policy, role: str) -> bool:
    """Whether a user's role is this one or includes it."""
    return ROLES.index(role_of(uid, policy)) >= ROLES.index(role)


def check(operation: str, uid: int, policy: Policy) -> None:
    """Refuse what the policy does not let this user do. Raises Refused."""
    verb, role = _NEEDED[operation]
    if verb in policy.forbidden_verbs:
        raise Refused(f"the owner's policy forbids {verb}")
    if not has_role(uid, policy, role):
        raise Refused(
            f"user {uid} has the role {role_of(uid, policy)} here, and this needs {role}",
            next="the owner gives roles in the policy: [roles]",
        )


def permitted(uid: int, policy: Policy) -> list[str]:
    """The operations that `check` lets pass."""
    return [operation for operation in _NEEDED if _passes(operation, uid, policy)]


def _passes(operation: str, uid: int, policy: Policy) -> bool:
    try:
        check(operation, uid, policy)
    except Refused:
        return False
    return True
