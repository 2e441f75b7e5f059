"""The next command: it leads to the same process by the same way."""

from __future__ import annotations

import pytest

from pyrometer.client.findings.commands import Commands
from pyrometer.client.options import Where
from pyrometer.client.targets import LocalTarget, PodTarget, RemoteOptions, SshTarget, Target

NONE = RemoteOptions()


@pytest.mark.parametrize(
    ("target", "remote", "pid", "typed"),
    [
        (LocalTarget("shop"), NONE, None, "pyrometer dump shop"),
        (LocalTarget("shop"), NONE, 7, "pyrometer dump 7"),
        (LocalTarget(), NONE, None, "pyrometer dump"),
        (LocalTarget(), RemoteOptions(run_dir="/run/a b"), 7, "pyrometer dump 7 --run-dir '/run/a b'"),
        (SshTarget("web1", "ann", service="shop"), NONE, 7, "pyrometer dump ssh:ann@web1/7"),
        (
            PodTarget("web-7", "prod", "shop"),
            RemoteOptions(container="app", context="eu"),
            7,
            "pyrometer dump k8s:prod/web-7/7 -c app --context eu",
        ),
    ],
)
def test_a_command_can_be_typed_as_it_is(target: Target, remote: RemoteOptions, pid: int | None, typed: str) -> None:
    """With what it takes to get there, quoted for the shell."""
    assert Commands(Where(target, remote)).type("dump", pid) == typed


def test_a_process_that_was_named_stays_named() -> None:
    """`--pid` goes with the service."""
    assert Commands(Where(LocalTarget("shop"), NONE, 7)).type("record", None, "-d 10s") == (
        "pyrometer record shop --pid 7 -d 10s"
    )
