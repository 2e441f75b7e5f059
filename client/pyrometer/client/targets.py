"""The forms of TARGET: what a user types to say where a service runs, read into values."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from pyrometer.client.errors import UsageFault
from pyrometer.client.quantities import LARGEST_PID

FORMS = """\
1234 or pid:1234                a process of this machine
SERVICE                         a service of this machine, by name
unix:/path/to.sock[/WHAT]       a `pyrometer serve` on a unix socket
ssh:[USER@]HOST[:PORT][/WHAT]   another machine, by your ssh
docker:CONTAINER[/WHAT]         a container, by your docker
podman:CONTAINER[/WHAT]         a container, by your podman
k8s:[NAMESPACE/]POD[/WHAT]      a pod, by your kubectl
WHAT is a SERVICE or a pid; it may be left out where there is one service only."""

_SERVICE = re.compile(r"[A-Za-z0-9_@.+~][A-Za-z0-9_@.+~ -]{0,127}")
_NEW_SERVICE = re.compile(r"[A-Za-z0-9_@.+~][A-Za-z0-9_@.+~-]{0,63}")
_USER = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.@+\\$-]{0,127}")
_HOST = re.compile(r"[A-Za-z0-9_.%:][A-Za-z0-9_.%:-]{0,254}")
_CONTAINER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,254}")
_KUBERNETES = re.compile(r"[a-z0-9][a-z0-9.-]{0,252}")


@dataclass(frozen=True)
class LocalTarget:
    """Processes of this machine: a service by name, one process by pid, or, with neither, whatever there is."""

    service: str | None = None
    pid: int | None = None

    def __str__(self) -> str:
        return _what(self) or "this machine"


@dataclass(frozen=True)
class UnixTarget:
    """A `pyrometer serve` that listens on a unix socket of this machine."""

    path: str
    service: str | None = None
    pid: int | None = None

    def __str__(self) -> str:
        return _spelled("unix", self.path, self)


@dataclass(frozen=True)
class SshTarget:
    """Processes of a machine that the user's own ssh reaches; `host` may be an alias of their ssh configuration."""

    host: str
    user: str | None = None
    port: int | None = None
    service: str | None = None
    pid: int | None = None

    @property
    def destination(self) -> str:
        """What ssh is given: `user@host` or `host`."""
        return f"{self.user}@{self.host}" if self.user else self.host

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return _spelled("ssh", f"{self.user}@" if self.user else "", host, f":{self.port}" if self.port else "", self)


@dataclass(frozen=True)
class ContainerTarget:
    """Processes inside a container; `engine` is what the user typed: `docker` or `podman`."""

    engine: str
    container: str
    service: str | None = None
    pid: int | None = None

    def __str__(self) -> str:
        return _spelled(self.engine, self.container, self)


@dataclass(frozen=True)
class PodTarget:
    """Processes inside a pod; `namespace` None is the current one of the user's kubectl context."""

    pod: str
    namespace: str | None = None
    service: str | None = None
    pid: int | None = None

    def __str__(self) -> str:
        namespace = self.namespace or ""
        slash = "/" if namespace or _what(self) else ""
        return _spelled("k8s", namespace, slash, self.pod, self)


Target = LocalTarget | UnixTarget | SshTarget | ContainerTarget | PodTarget
RemoteTarget = SshTarget | ContainerTarget | PodTarget


@dataclass(frozen=True)
class RemoteOptions:
    """The options of a command line that say how to get to a remote target.

    `server_python`: interpreter over there that has pyrometer; `run_dir`: the agents' folder over there, where they
    have one; `container` (`-c`), `namespace` (`-n`) and `context` are kubectl's.
    """

    server_python: str | None = None
    run_dir: str | None = None
    container: str | None = None
    namespace: str | None = None
    context: str | None = None


def parse_target(text: str | None, namespace: str | None = None) -> Target:
    """Read a TARGET; None or an empty one is "whatever runs on this machine". Raises UsageFault.

    `namespace` is the one given as an option: then `k8s:A/B` is a pod and a service, unless A repeats it.
    """
    if not text:
        return LocalTarget()
    scheme, colon, rest = text.partition(":")
    if not colon:
        return _local(text)
    if scheme == "k8s":
        return _pod(rest, namespace)
    reader = _READERS.get(scheme)
    if reader is None:
        raise UsageFault(f"{text!r} is not a target: there is no form {scheme}:…", next=f"The forms are:\n{FORMS}")
    return reader(rest)


def check_service(name: str) -> None:
    """Hold the name that a service is to have to what can be typed as a target. Raises UsageFault."""
    if not _NEW_SERVICE.fullmatch(name) or name.isdecimal():
        raise UsageFault(
            f"--service {name!r}: a service's name has letters, digits and _@.+~-, at most 64, and is no number.",
            next="For instance: --service shop",
        )


def _local(text: str) -> LocalTarget:
    if "/" in text:
        raise UsageFault(f"{text!r} is not a service's name.", next=f"The forms of a target are:\n{FORMS}")
    service, pid = _service_or_pid(text)
    return LocalTarget(service, pid)


def _pid(text: str) -> LocalTarget:
    return LocalTarget(pid=_number(text, "a process id", LARGEST_PID))


def _unix(text: str) -> UnixTarget:
    if not text.startswith("/"):
        raise UsageFault(f"unix:{text} needs an absolute path.", next="For instance unix:/run/pyrometer/shop.sock")
    if len(text.encode()) > 107:
        raise UsageFault(f"unix:{text} is longer than the 107 bytes that a unix socket's path can have.")
    path, _, what = text.rpartition("/")
    if what and _is_socket(path):
        return UnixTarget(path, *_service_or_pid(what))
    return UnixTarget(text)


def _is_socket(path: str) -> bool:
    """Whether a socket is there: then what follows it in a target is a service or a pid."""
    try:
        return stat.S_ISSOCK(os.stat(path).st_mode)
    except OSError:
        return False


def _tcp(text: str) -> NoReturn:
    raise UsageFault(
        f"tcp:{text}: this version does not speak mutual TLS yet, and without it nothing goes over TCP.",
        next="Go there by ssh:HOST, docker:CONTAINER or k8s:POD, which need no open port.",
        reason="TLS_UNAVAILABLE",
    )


def _ssh(text: str) -> SshTarget:
    address, slash, what = text.partition("/")
    user, at, host = address.rpartition("@")
    if at and not _USER.fullmatch(user):
        raise UsageFault(f"ssh:{text}: {user!r} is not a user's name.")
    host, port = _host_and_port(host, f"ssh:{text}")
    service, pid = _rest(slash, what, f"ssh:{text}")
    return SshTarget(host, user or None, port, service, pid)


def _docker(text: str) -> ContainerTarget:
    return _container("docker", text)


def _podman(text: str) -> ContainerTarget:
    return _container("podman", text)


_READERS: dict[str, Callable[[str], Target]] = {
    "pid": _pid,
    "unix": _unix,
    "tcp": _tcp,
    "ssh": _ssh,
    "docker": _docker,
    "podman": _podman,
}


def _container(engine: str, text: str) -> ContainerTarget:
    container, slash, what = text.partition("/")
    _check(_CONTAINER, container, "a container's name or id", f"{engine}:{text}")
    service, pid = _rest(slash, what, f"{engine}:{text}")
    return ContainerTarget(engine, container, service, pid)


def _pod(text: str, given: str | None) -> PodTarget:
    """One part is a pod, three are all; two are NAMESPACE/POD, or POD/WHAT where the namespace is known already."""
    parts = text.split("/")
    if len(parts) == 1 or (len(parts) == 2 and given is not None and parts[0] != given):
        parts.insert(0, given or "")
    if len(parts) > 3:
        raise UsageFault(f"k8s:{text} has too many parts.", next="The form is k8s:[NAMESPACE/]POD[/SERVICE]")
    namespace, pod, *what = parts
    if given is not None and namespace not in ("", given):
        raise UsageFault(f"k8s:{text} names namespace {namespace!r}, and the option names {given!r}.")
    _check(_KUBERNETES, pod, "a pod's name", f"k8s:{text}")
    if namespace or given:
        _check(_KUBERNETES, namespace or given or "", "a namespace", f"k8s:{text}")
    service, pid = _rest("/" if what else "", what[0] if what else "", f"k8s:{text}")
    return PodTarget(pod, namespace or given, service, pid)


def _host_and_port(text: str, whole: str) -> tuple[str, int | None]:
    if text.startswith("["):
        host, bracket, port = text[1:].partition("]")
        if not bracket or (port and not port.startswith(":")):
            raise UsageFault(f"{whole}: the bracket of an IPv6 address is not closed.", next="Write ssh:[::1]:22")
        port = port[1:]
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    else:
        host, port = text, ""
    _check(_HOST, host, "a host", whole)
    return host, _number(port, "a port", 65535) if port else None


def _rest(slash: str, what: str, whole: str) -> tuple[str | None, int | None]:
    """Read what stands after the slash: a service or a pid over there."""
    if not slash:
        return None, None
    if not what:
        raise UsageFault(f"{whole}: nothing stands after the last slash.", next="Leave it out, or name a service.")
    return _service_or_pid(what)


def _service_or_pid(text: str) -> tuple[str | None, int | None]:
    if text.startswith("pid:") or text.isdecimal():
        return None, _number(text.removeprefix("pid:"), "a process id", LARGEST_PID)
    _check(_SERVICE, text, "a service's name", text)
    return text, None


def _number(text: str, what: str, largest: int) -> int:
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 12 else 0
    if not 0 < number <= largest:
        next_step = "pyrometer ps lists what there is" if largest == LARGEST_PID else ""
        raise UsageFault(f"{text!r} is not {what}: that is a number from 1 to {largest}.", next=next_step)
    return number


def _check(pattern: re.Pattern[str], text: str, what: str, whole: str) -> None:
    """Hold a name to its alphabet: none may begin with a dash, which ssh, docker and kubectl read as an option."""
    if not pattern.fullmatch(text):
        said = f"{text!r} is not {what}" if text else f"{what} is missing"
        raise UsageFault(f"{whole}: {said}." if whole != text else f"{said}.", next=_form_of(whole))


def _form_of(text: str) -> str:
    """The line of the forms that a target was meant to have, by its scheme; all of them where it has none."""
    scheme, colon, _ = text.partition(":")
    line = next((line for line in FORMS.splitlines() if colon and line.startswith(f"{scheme}:")), "")
    return f"The form is {line.partition(' ')[0]}" if line else f"The forms of a target are:\n{FORMS}"


def _what(target: Target) -> str:
    return target.service or (str(target.pid) if target.pid else "")


def _spelled(scheme: str, *parts: object) -> str:
    """Spell a remote target as a user types it; the last part is the target itself."""
    *address, target = parts
    what = _what(target)  # type: ignore[arg-type]
    return f"{scheme}:{''.join(map(str, address))}{'/' + what if what else ''}"
