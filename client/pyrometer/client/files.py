"""Files that the client writes: whole or not at all, under names that no target chose."""

from __future__ import annotations

import contextlib
import os
import re
import stat
import tempfile
import time
from pathlib import Path

from pyrometer.client.errors import ClientError

_ELSEWHERE = "Write it elsewhere: --out /tmp/profile.html"


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
        raise ClientError(f"--out {path} is a folder.", next=f"Name a file: --out {path / 'profile.html'}")
    place = _place_of(path)
    if _is_special(place):
        if not os.access(place, os.W_OK):
            raise ClientError(f"{path} is not yours to write to.", next=_ELSEWHERE)
        return
    if not place.parent.is_dir():
        raise ClientError(f"{path} can't be written: there is no folder {path.parent}.", next=f"mkdir -p {path.parent}")
    if not os.access(place.parent, os.W_OK | os.X_OK):
        raise ClientError(f"{path} can't be written: {place.parent} is not yours to write in.", next=_ELSEWHERE)


def write_whole(path: Path, data: bytes, *, private: bool = False) -> None:
    """Write a file so that it is there whole or not at all; a link is followed, a device or a pipe written to.

    `private`: only its owner may read it, as befits values.

    Raises:
        ClientError: it could not be written.
    """
    place, temporary = _place_of(path), ""
    try:
        if _is_special(place):
            place.write_bytes(data)
            return
        with tempfile.NamedTemporaryFile(dir=place.parent, prefix=".pyrometer-", delete=False) as file:
            temporary = file.name
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), 0o600 if private else 0o666 & ~_umask())
        os.replace(temporary, place)
    except OSError as error:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise ClientError(f"{path} could not be written: {error.strerror}", next=_ELSEWHERE) from None


def _place_of(path: Path) -> Path:
    """Where a path leads. Raises ClientError: this folder is gone."""
    try:
        return path.resolve()
    except OSError as error:
        raise ClientError(f"{path} can't be written: {error.strerror}.", next=_ELSEWHERE) from None


def _is_special(place: Path) -> bool:
    """Whether it is there and is no regular file: to put a file in its place would destroy it."""
    try:
        return not stat.S_ISREG(place.stat().st_mode)
    except OSError:
        return False


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
