"""Real podman containers, cheap: their root is a skeleton onto which this machine's /usr and Python are mounted.

The kernel's part is all there (namespaces, uid 1000, no capability, read-only root, an init that is the service
itself); what differs from an image is only where the files come from.
"""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.integration.remote.leftovers import MARK
from tests.support.needs import find_program
from tests.support.services import PROGRAMS, until

REPOSITORY = Path(__file__).resolve().parents[3]

PODMAN_ITSELF = 125
"""Podman's status where not the command but podman failed."""

_LIMITS = ("--ulimit", "nofile=20000:20000", "--ulimit", "nproc=30000:30000")
_CONFINED = ("--user", "1000:1000", "--cap-drop=ALL", "--security-opt", "no-new-privileges", "--read-only")


def podman() -> tuple[str, ...]:
    """Name podman, and runc if it is there: podman's first choice need not work everywhere."""
    runtime = find_program("runc")
    return ("podman", "--runtime", runtime) if runtime else ("podman",)


@contextmanager
def running_container(
    folder: Path, mark: str, command: list[str], *, shell: bool = True, **variables: str
) -> Iterator[str]:
    """Run a command as PID 1 of a confined container, and yield the container's name; skip where that can't be done.

    Without `shell` it is like a distroless image: the interpreter and its libraries, and no other program.
    """
    name = f"pyrometer-test-{uuid.uuid4().hex[:8]}"
    root = write_root(folder / name)
    variables |= {"PATH": f"{sys.prefix}/bin:/usr/bin:/bin", "HOME": "/tmp", MARK: mark}
    environment = [f"--env={variable}={value}" for variable, value in variables.items()]
    options = ("--name", name, "--network", "none", *environment, *_LIMITS, *_CONFINED)
    mounts = [option for path in mounted_paths(shell=shell) for option in ("-v", f"{path}:{path}:ro")]
    started = run([*podman(), "run", "-d", "-i", *options, *mounts, "--rootfs", f"{root}:O", *command])
    try:
        if started.returncode == PODMAN_ITSELF:
            pytest.skip(f"podman can't run a container here: {started.stderr[-400:]}")
        assert started.returncode == 0, started.stderr
        yield name
    finally:
        run([*podman(), "rm", "-f", "-t", "0", name])


@contextmanager
def running_service(
    folder: Path, mark: str, service: str, *, program: str = "idle", shell: bool = True, **variables: str
) -> Iterator[str]:
    """Run a target program as PID 1 of a container, and yield the container's name once it is ready."""
    command = [sys.executable, str(PROGRAMS / f"{program}.py"), service]
    with running_container(folder, mark, command, shell=shell, **variables) as name:
        until(lambda: run([*podman(), "logs", name]).stdout == "ready\n", "the service is ready")
        yield name


def write_root(root: Path) -> Path:
    """Write the skeleton of a root file system."""
    for folder in ("usr", "proc", "sys", "dev", "etc", "tmp", "run", "var"):
        (root / folder).mkdir(parents=True)
    (root / "tmp").chmod(0o1777)
    for folder in ("bin", "sbin", "lib", "lib64"):
        if Path("/", folder).is_symlink():
            (root / folder).symlink_to(f"usr/{folder}")
    for link, leads_to in interpreter_links():
        (root / link.lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
        (root / link.lstrip("/")).symlink_to(leads_to)
    (root / "etc/passwd").write_text("root:x:0:0::/:/bin/sh\napp:x:1000:1000::/tmp:/bin/sh\n")
    return root


def interpreter_links() -> Iterator[tuple[str, str]]:
    """List the links from a virtual environment's python to the real one that lie in no folder that is mounted."""
    path, mounts = sys.executable, mounted_paths(shell=True)
    while os.path.islink(path):  # noqa: PTH114 # one hop at a time
        leads_to = str(Path(path).readlink())
        if not any(within(path, mount) for mount in mounts):
            yield path, leads_to
        path = os.path.normpath(Path(path).parent / leads_to)


def mounted_paths(*, shell: bool) -> list[str]:
    """List what of this machine the container sees, read-only: the interpreter, its packages, and this repository."""
    system = ["/usr"] if shell else ["/usr/lib", "/usr/lib64", os.path.realpath(sys.executable)]
    python = [sys.prefix, sys.base_prefix]
    paths = [path for path in (*system, *python, str(REPOSITORY)) if Path(path).exists()]
    outer = [path for path in dict.fromkeys(paths) if not any(within(path, other) for other in paths)]
    return [path for path in outer if shell or path != "/usr"]


def within(path: str, other: str) -> bool:
    """Tell whether a path lies inside another one."""
    return path != other and path.startswith(other.rstrip("/") + "/")


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a command of podman's, and hand back what it said."""
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def inside(name: str, script: str) -> str:
    """Run a line of shell in a container, and return what it printed."""
    done = run([*podman(), "exec", name, "sh", "-c", script])
    assert done.returncode == 0, done.stderr
    return done.stdout
