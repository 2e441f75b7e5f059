"""Files that the client writes: whole or not at all, under names that no target chose."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
import time
from pathlib import Path

from pyrometer.client.errors import ClientError


def default_name(service: str, suffix: str) -> Path:
    """`SERVICE-DATE-TIME` in this folder; a name that is taken gets a number."""
    safe = re.sub(r"[^A-Za-z0-9_-]+", "-", service).strip("-") or "profile"
    stem = f"{safe[:40]}-{time.strftime('%Y%m%d-%H%M%S')}"
    path = Path(f"{stem}{suffix}")
    number = 1
    while path.exists():
        number += 1
        path = Path(f"{stem}-{number}{suffix}")
    return path


def check_writable(path: Path) -> None:
    """See that a file can be made there, before the work is done. Raises ClientError."""
    if path.is_dir():
        raise ClientError(f"{path} is a folder.", next="Name a file: --out FILE")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise ClientError(f"{path} can't be written: {path.parent} is not there, or not yours to write in.")


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that it is there whole or not at all. Raises ClientError."""
    temporary = ""
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".pyrometer-", delete=False) as file:
            temporary = file.name
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), 0o666 & ~_umask())
        os.replace(temporary, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise ClientError(f"{path} could not be written: {error.strerror}") from None


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
