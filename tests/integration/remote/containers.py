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

from tests.support.needs import find_program

REPOSITORY = Path(__file__).resolve().parents[3]

_LIMITS = ("--ulimit", "nofile=20000:20000", "--ulimit", "nproc=30000:30000")
_CONFINED = ("--user", "1000:1000", "--cap-drop=ALL", "--security-opt", "no-new-privileges", "--read-only")


def podman() -> tuple[str, ...]:
    """Name podman, and runc if it is there: podman's first choice need not work everywhere."""
    runtime = find_program("runc")
    return ("podman", "--runtime", runtime) if runtime else ("podman",)


@contextmanager
def running_container(folder: Path, command: list[str], *, shell: bool = True) -> Iterator[str]:
    """Run a command as PID 1 of a confined container, and yield the container's name; skip where that can't be done.

    Without `shell` it is like a distroless image: the interpreter and its libraries, and no other program.
    """
    name = f"pyrometer-test-{uuid.uuid4().hex[:8]}"
    root = write_root(folder / name)
    search = f"{sys.prefix}/bin:/usr/bin:/bin"
    options = ("--name", name, "--network", "none", "-e", f"PATH={search}", "-e", "HOME=/tmp", *_LIMITS, *_CONFINED)
    mounts = [option for path in mounted_paths(shell=shell) for option in ("-v", f"{path}:{path}:ro")]
    started = run([*podman(), "run", "-d", *options, *mounts, "--rootfs", f"{root}:O", *command])
    try:
        if started.returncode != 0:
            pytest.skip(f"podman can't run a container here: {started.stderr[-400:]}")
        yield name
    finally:
        run([*podman(), "rm", "-f", "-t", "0", name])


def write_root(root: Path) -> Path:
    """Write the skeleton of a root file system."""
    for folder in ("usr", "proc", "sys", "dev", "etc", "tmp", "run", "var"):
        (root / folder).mkdir(parents=True)
    for folder in ("bin", "sbin", "lib", "lib64"):
        if Path("/", folder).is_symlink():
            (root / folder).symlink_to(f"usr/{folder}")
    (root / "etc/passwd").write_text("root:x:0:0::/:/bin/sh\napp:x:1000:1000::/tmp:/bin/sh\n")
    return root


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
