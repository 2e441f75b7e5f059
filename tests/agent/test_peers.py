"""Who may connect: by what the kernel says."""

from __future__ import annotations

import os
import socket

import pytest

from pyrometer.agent import peers
from pyrometer.agent.peers import Peer, peer_of, refusal


def test_the_kernel_names_the_peer() -> None:
    """Fault 79: by SO_PEERCRED."""
    here, there = socket.socketpair()
    with here, there:
        assert peer_of(here) == (os.getpid(), os.getuid(), os.getgid())


def test_own_uid_and_root_come_in() -> None:
    """From the same pid namespace."""
    assert refusal(Peer(os.getpid(), os.geteuid(), 0), "namespace") == ""
    assert refusal(Peer(os.getpid(), 0, 0), "namespace") == ""


def test_another_uid_does_not() -> None:
    """Fault 79."""
    assert "neither the process's own" in refusal(Peer(os.getpid(), 4242, 0), "namespace")


def test_another_pid_namespace_needs_the_owners_word() -> None:
    """A peer that shows as pid 0 is in a namespace that we can't see."""
    assert "another pid namespace" in refusal(Peer(0, 0, 0), "namespace")
    assert refusal(Peer(0, 0, 0), "pod") == ""


def test_a_peer_that_is_gone_is_not_of_our_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may have handed its connection on. Where /proc tells nothing of us either (chroot), it can't be known."""
    depths: dict[int | str, int] = {"self": 2}
    monkeypatch.setattr(peers, "_namespace_depth", lambda pid: depths.get(pid, 0))
    assert "can not be told" in refusal(Peer(4242, 0, 0), "namespace")
    assert refusal(Peer(4242, 0, 0), "pod") == ""
    depths["self"] = 0
    assert refusal(Peer(4242, 0, 0), "namespace") == ""


def test_an_unmapped_uid_is_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody who is not mapped has the overflow uid: it names no one."""
    monkeypatch.setattr(peers, "_uid_map_is_identity", lambda: False)
    assert "not mapped" in refusal(Peer(os.getpid(), 65534, 0), "pod")
