"""The forms of TARGET."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from pyrometer.client.errors import UsageFault
from pyrometer.client.targets import (
    ContainerTarget,
    LocalTarget,
    PodTarget,
    SshTarget,
    Target,
    UnixTarget,
    parse_target,
)


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("1234", LocalTarget(pid=1234)),
        ("pid:1234", LocalTarget(pid=1234)),
        ("shop", LocalTarget("shop")),
        ("shop web-1.2", LocalTarget("shop web-1.2")),
        ("unix:/run/p/grpc.sock", UnixTarget("/run/p/grpc.sock")),
        ("ssh:web1", SshTarget("web1")),
        ("ssh:ann@web1", SshTarget("web1", "ann")),
        ("ssh:ann@example.org@web1", SshTarget("web1", "ann@example.org")),
        ("ssh:ann@web1:2222/shop", SshTarget("web1", "ann", 2222, "shop")),
        ("ssh:web1/1234", SshTarget("web1", pid=1234)),
        ("ssh:[::1]:2222/shop", SshTarget("::1", port=2222, service="shop")),
        ("ssh:fe80::1%eth0", SshTarget("fe80::1%eth0")),
        ("docker:shop-1", ContainerTarget("docker", "shop-1")),
        ("podman:4ac1/shop", ContainerTarget("podman", "4ac1", "shop")),
        ("docker:shop-1/pid:7", ContainerTarget("docker", "shop-1", pid=7)),
        ("k8s:web-7", PodTarget("web-7")),
        ("k8s:shop/web-7", PodTarget("web-7", "shop")),
        ("k8s:shop/web-7/api", PodTarget("web-7", "shop", "api")),
        ("k8s:/web-7/api", PodTarget("web-7", service="api")),
        ("k8s:shop/web-7/12", PodTarget("web-7", "shop", pid=12)),
    ],
)
def test_every_form_is_read(text: str, target: Target) -> None:
    """A target is read into what its parts are."""
    assert parse_target(text) == target


@pytest.mark.parametrize(
    "text", ["ssh:[::1]:22/shop", "ssh:ann@web1", "podman:x/7", "k8s:/web-7/api", "k8s:a/b", "shop"]
)
def test_a_target_is_spelled_as_it_was_typed(text: str) -> None:
    """Messages name the target in the form that can be typed again."""
    assert str(parse_target(text)) == text


@pytest.mark.parametrize("text", [None, ""])
def test_no_target_is_this_machine(text: str | None) -> None:
    """Verbs that may leave the target out look at what runs here."""
    assert parse_target(text) == LocalTarget()


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("k8s:web-7", PodTarget("web-7", "shop")),
        ("k8s:web-7/api", PodTarget("web-7", "shop", "api")),
        ("k8s:shop/web-7", PodTarget("web-7", "shop")),
        ("k8s:shop/web-7/api", PodTarget("web-7", "shop", "api")),
    ],
)
def test_a_namespace_that_is_given_is_not_looked_for_in_the_target(text: str, target: PodTarget) -> None:
    """With the option, two parts are a pod and a service, unless the first one repeats the namespace."""
    assert parse_target(text, namespace="shop") == target


@pytest.mark.parametrize(
    "text",
    [
        "0",
        "pid:x",
        "99999999999999999999",
        "-rf",
        "a/b",
        "unix:relative",
        "unix:/" + "x" * 107,
        "tcp:host:8443",
        "ssh:",
        "ssh:-oProxyCommand=touch",
        "ssh:ann@-oProxyCommand=touch",
        "ssh:-l@web1",
        "ssh:web1:0",
        "ssh:web1:ssh",
        "ssh:[::1",
        "ssh:web1/",
        "ssh:web1;reboot",
        "docker:",
        "docker:--privileged",
        "docker:a b",
        "docker:a/b/c",
        "k8s:",
        "k8s:-n",
        "k8s:shop/",
        "k8s:shop/--all",
        "k8s:a/b/c/d",
        "k8s:Web",
        "kube:web",
        "https://example.org",
        "shop\x1b[2J",
    ],
)
def test_what_is_no_target_is_a_usage_error(text: str) -> None:
    """Nothing that ssh, docker or kubectl would read as an option, and no typing error, gets any further."""
    with pytest.raises(UsageFault) as caught:
        parse_target(text)
    assert caught.value.exit_code == 2


def test_two_namespaces_are_one_too_many() -> None:
    """A target and an option that contradict each other are refused, not ranked."""
    with pytest.raises(UsageFault, match="'other'"):
        parse_target("k8s:shop/web-7/api", namespace="other")


def test_tcp_says_what_is_missing() -> None:
    """A form that comes later is told from a form that nobody knows."""
    with pytest.raises(UsageFault) as caught:
        parse_target("tcp:web1:8443")
    assert (caught.value.reason, "ssh:" in caught.value.next) == ("TLS_UNAVAILABLE", True)


def test_what_follows_a_socket_is_a_service_or_a_pid(tmp_path: Path) -> None:
    """A server on a socket has all services of its machine: one of them can be named."""
    path = str(tmp_path / "grpc.sock")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        assert parse_target(f"unix:{path}") == UnixTarget(path)
        assert parse_target(f"unix:{path}/shop") == UnixTarget(path, "shop")
        assert parse_target(f"unix:{path}/77") == UnixTarget(path, pid=77)
        assert str(parse_target(f"unix:{path}/shop")) == f"unix:{path}/shop"
