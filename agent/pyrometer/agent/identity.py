"""Who this process is: its names for others, and the facts that tell it from another one with the same pid."""

from __future__ import annotations

import os
import posix
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

VERSION = "0.1.0"
"""Version of pyrometer; importlib.metadata would cost the service 2 MB to say the same."""

_last_namespace = 0


def start_ticks(pid: int | str = "self") -> int:
    """Start of a process in clock ticks since boot (field 22 of /proc/PID/stat); 0 where /proc can't be read."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return 0


def pid_namespace() -> int:
    """Inode of this process's pid namespace; what it was before, where /proc is gone since (chroot)."""
    global _last_namespace
    try:
        _last_namespace = posix.stat("/proc/self/ns/pid").st_ino
    except OSError:
        pass
    return _last_namespace


def new_address(service: str) -> bytes:
    """A fresh abstract address. Any uid may bind an abstract name, hence the random part.

    The service's name is in it so that a process that can't answer (its GIL is held) still belongs to its service.
    """
    token = posix.urandom(4).hex()
    return f"\0pyrometer.{pid_namespace()}.{posix.getpid()}.{token}.{service}".encode()


def default_service(environ: Mapping[str, str], argv: list[str]) -> str:
    """The service's name where nobody gave one: PYROMETER_SERVICE, OTEL_SERVICE_NAME, else the program's."""
    named = environ.get("PYROMETER_SERVICE") or environ.get("OTEL_SERVICE_NAME")
    return clean_service(named or (_program(argv) if argv else _embedding_program()))


def clean_service(name: str) -> str:
    """A name that can stand in a target: of letters, digits and `_@.+~-`, at most 64 of them."""
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "_@.+~-") else "-" for c in name)[:64]
    return kept.strip("-") or "python"


def _program(argv: list[str]) -> str:
    """`python -m pkg.app` → pkg, `python /srv/app.py` → app, `/venv/bin/gunicorn` → gunicorn."""
    skip = False
    for index, word in enumerate(argv[1:], 1):
        if skip:
            skip = False
        elif word == "-m" and index + 1 < len(argv):
            return argv[index + 1].split(".")[0]
        elif word == "-c":
            return "python"
        elif word in ("-W", "-X"):
            skip = True
        elif not word.startswith("-"):
            return word.rpartition("/")[2].removesuffix(".py")
    return "python"


def _embedding_program() -> str:
    """What an interpreter runs in that was not started as one: uwsgi, say, which tells it no command line."""
    return _kernels_argv()[0].rpartition("/")[2]


def original_argv() -> list[str]:
    """The command line as the process was started with."""
    return list(sys.orig_argv) or _kernels_argv()


def _kernels_argv() -> list[str]:
    """The command line as the kernel has it; one empty word where it can't be read."""
    try:
        with open("/proc/self/cmdline", "rb") as file:
            return [os.fsdecode(word) for word in file.read(65536).rstrip(b"\0").split(b"\0")]
    except OSError:
        return [""]


def library_prefixes() -> list[str]:
    """Folders whose code is not the service's own: the standard library and the installed packages."""
    lib = f"lib/python{sys.version_info[0]}.{sys.version_info[1]}"
    return sorted({f"{prefix}/{lib}" for prefix in (sys.prefix, sys.base_prefix, sys.exec_prefix)})
