"""A real sshd on the loopback, with keys and known hosts of its own, and the `ssh` that goes there."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.integration.remote.leftovers import MARK
from tests.support.needs import find_program
from tests.support.services import until

HOSTS = ("quiet", "noisy", "bare", "far", "stranger", "changed", "locked")
"""Aliases of the client's configuration.

`quiet`: logs in. `noisy`: a banner, words on stdout before the command, and a PYTHONPATH with planted code. `bare`: an
environment that names no interpreter. `far`: 150 ms away, each way. `stranger`: a key that the server does not know.
`changed`: another host key than the known one. `locked`: a key with the passphrase `sesame`.
"""


class Sshd(NamedTuple):
    """A running sshd: `path` is a folder for PATH whose `ssh` reads our configuration; sessions carry `mark`."""

    folder: Path
    path: Path
    mark: str


@contextmanager
def running_sshd(folder: Path, mark: str) -> Iterator[Sshd]:
    """Run an sshd in a folder; skip where it can't start."""
    program = find_program("sshd")
    assert program is not None
    if not has_account():
        pytest.skip("ssh goes nowhere for a uid that has no account")
    for key in ("host", "user", "other", "locked"):
        passphrase = "sesame" if key == "locked" else ""
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", str(folder / key)], check=True)
    known = "".join((folder / f"{key}.pub").read_text() for key in ("user", "locked"))
    (folder / "authorized_keys").write_text(known)
    quiet, noisy, bare = free_ports(3)
    (folder / "sshd_config").write_text(server_configuration(folder, mark, quiet, noisy, bare))
    path = write_client(folder, quiet, noisy, bare)
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    log = folder / "sshd.log"
    server = subprocess.Popen([program, "-D", "-f", str(folder / "sshd_config"), "-E", str(log)])
    try:
        until(lambda: answers(bare) or server.poll() is not None, "sshd listens")
        if server.poll() is not None:
            pytest.skip(f"sshd does not start here: {log.read_text()[-300:]}")
        yield Sshd(folder, path, mark)
    finally:
        server.kill()
        server.wait()


def server_configuration(folder: Path, mark: str, quiet: int, noisy: int, bare: int) -> str:
    """Write sshd_config: three ports of the loopback that differ in their manners."""
    (folder / "banner").write_text("This machine is watched. Mind the gap.\n")
    planted = folder / "planted"
    planted.mkdir()
    (planted / "sitecustomize.py").write_text("open(__file__ + '.ran', 'w').close()\n")
    environment = f"SetEnv PYROMETER_PYTHON={sys.executable} {MARK}={mark}"
    greet = 'echo "Welcome to the machine"; eval "$SSH_ORIGINAL_COMMAND"'
    return f"""\
Port {quiet}
Port {noisy}
Port {bare}
ListenAddress 127.0.0.1
HostKey {folder}/host
PidFile none
AuthorizedKeysFile {folder}/authorized_keys
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
MaxStartups 100
Match LocalPort {quiet}
    {environment}
Match LocalPort {noisy}
    {environment} PYTHONPATH={planted}
    Banner {folder}/banner
    ForceCommand {greet}
"""


def write_client(folder: Path, quiet: int, noisy: int, bare: int) -> Path:
    """Write the client's configuration and an `ssh` that uses it; return the folder to put on PATH.

    ssh finds ~/.ssh by the password file, not by HOME: without -F the developer's own keys would count.
    """
    host, other = ((folder / f"{name}.pub").read_text().rsplit(" ", 1)[0] for name in ("host", "other"))
    known = [f"{name} {host}\n" for name in HOSTS if name != "changed"] + [f"changed {other}\n"]
    (folder / "known_hosts").write_text("".join(known))
    ports = {"noisy": noisy, "bare": bare}
    keys = {"stranger": "other", "locked": "locked"}
    entries = [
        f"Host {name}\n  HostName 127.0.0.1\n  HostKeyAlias {name}\n  Port {ports.get(name, quiet)}\n"
        f"  IdentityFile {folder}/{keys.get(name, 'user')}\n"
        for name in HOSTS
    ]
    pipe = Path(__file__).with_name("slow_pipe.py")
    entries.append(f"Host far\n  ProxyCommand {sys.executable} {pipe} 127.0.0.1 {quiet} 0.15\n")
    everywhere = f"Host *\n  IdentitiesOnly yes\n  IdentityAgent none\n  UserKnownHostsFile {folder}/known_hosts\n"
    (folder / "ssh_config").write_text("".join(entries) + everywhere)
    path = folder / "bin"
    path.mkdir()
    (path / "ssh").write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {folder}/ssh_config "$@"\n')
    (path / "ssh").chmod(0o755)
    return path


def has_account() -> bool:
    """Tell whether the uid that runs the tests is in the password file."""
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        return False
    return True


def free_ports(count: int) -> list[int]:
    """Find ports of the loopback that nobody listens on."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in sockets]
    for listener in sockets:
        listener.close()
    return ports


def answers(port: int) -> bool:
    """Tell whether something listens on a port of the loopback."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
