"""The owner's policy: whether we may look at all, who may do what, what is withheld, how much it may cost.

One TOML file on the target's side, `/etc/pyrometer/policy.toml` or what PYROMETER_POLICY names. A file that cannot be
trusted or understood serves nobody: an owner who made a mistake learns of it, and no rule is lost by it.
"""

from __future__ import annotations

import os
import stat

from pyrometer.guard.patterns import compile_pattern
from pyrometer.link.errors import LinkError
from pyrometer.link.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

DEFAULT_PATH = "/etc/pyrometer/policy.toml"
MAX_SIZE = 256 * 1024
"""Bytes of a policy file."""
MAX_TTL = 86_400.0
ROLES = ("none", "view", "profile", "inspect", "admin")
"""What an identity may do, each more than the one before."""
VERBS = ("dump", "record", "why", "top", "snap", "log", "watch", "catch", "attach", "debug")
"""What `forbid.verbs` may name."""

_READ_ONCE: dict[str, tuple[bytes, Policy]] = {}
"""By path: the last file that was read there. After a chroot it is out of sight, its rules stay."""


class PolicyUnreadable(LinkError):
    """There is a policy that cannot be trusted or understood, so nothing is served."""

    reason = "POLICY_UNREADABLE"


class Policy(NamedTuple):
    """What the owner of a process allows. The defaults are those of a process without a policy file."""

    enabled: bool = True
    values: str = "full"
    """`full`, or `shape`: types, sizes and structure, no content."""
    peers: str = "namespace"
    """`namespace`, or `pod`: other containers of the pod may connect."""
    outside: bool = False
    """Whether the agent lets others of its uid read it from outside (Yama)."""
    audit: str = "stderr"
    """`stderr` or `none`."""
    roles: dict[str, str] = {}  # noqa: RUF012 - never written to
    """Identity (`oncall@example.org`, `uid:1000`) → role."""
    forbidden_modules: tuple[str, ...] = ()
    """Patterns for `glob_match`."""
    forbidden_verbs: tuple[str, ...] = ()
    redact_names: tuple[str, ...] = ()
    redact_patterns: tuple[str, ...] = ()
    cpu_share: float = 0.01
    """Share of one core for all probes and the sampler together."""
    max_hits: int = 1000
    max_ttl: float = MAX_TTL
    """Seconds."""

    def forbids_module(self, module: str) -> bool:
        """Whether code of this module must not be looked into."""
        return any(glob_match(pattern, module) for pattern in self.forbidden_modules)


def load(environ: Mapping[str, str] = os.environ, euid: int | None = None) -> Policy:
    """Read the policy as it is now. Call it when the agent starts, too: after a chroot `tomllib` can't be imported.

    Args:
        environ: PYROMETER_DISABLE turns everything off, PYROMETER_POLICY names the file.
        euid: who owns the process; the present effective uid where it is not given.

    Raises:
        PolicyUnreadable: the file belongs to somebody else, others can write to it or to a folder above it, it can't
            be read, is not TOML, or has a key or a value that we do not know.
    """
    if environ.get("PYROMETER_DISABLE", "").strip().lower() not in ("", "0", "false", "no"):
        return Policy(enabled=False)
    named = environ.get("PYROMETER_POLICY", "")
    path = named or DEFAULT_PATH
    data = _read(path, os.geteuid() if euid is None else euid)
    if data is None:
        if path in _READ_ONCE and _identity_of_root() != _ROOT:
            return _READ_ONCE[path][1]
        if named:
            raise PolicyUnreadable(f"{path}, which PYROMETER_POLICY names, does not exist")
        return Policy()
    known = _READ_ONCE.get(path)
    if known is None or known[0] != data:
        known = _READ_ONCE[path] = (data, parse(data, path))
    return known[1]


def in_force(environ: Mapping[str, str] = os.environ, euid: int | None = None) -> Policy:
    """The policy as it is now, for whoever is about to serve something. Reading an unchanged one takes some 50 µs.

    Raises:
        LinkError: it turns pyrometer off.
        PolicyUnreadable: as `load` does.
    """
    policy = load(environ, euid)
    if not policy.enabled:
        raise LinkError("the owner's policy has turned pyrometer off", reason="DISABLED")
    return policy


def parse(data: bytes, path: str) -> Policy:
    """Make a policy of a file's content.

    Raises:
        PolicyUnreadable: it is not TOML, or has a key or a value that we do not know; the message names it.
    """
    import tomllib

    try:
        document = tomllib.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise PolicyUnreadable(f"{path} is not TOML: {error}") from None
    try:
        return Policy(**_fields_of(document, _KEYS, ""))
    except ValueError as error:
        raise PolicyUnreadable(f"{path}: {error}", next=f"mend {path}; it is read again at each look") from None


def glob_match(pattern: str, name: str) -> bool:
    """Tell whether a dotted name matches a pattern in which `*` stands for anything. `shop.*` matches `shop` too."""
    if pattern.endswith(".*") and glob_match(pattern[:-2], name):
        return True
    first, *rest = pattern.split("*")
    if not rest:
        return name == pattern
    last = rest.pop()
    if not name.startswith(first) or not name.endswith(last) or len(name) < len(first) + len(last):
        return False
    position, end = len(first), len(name) - len(last)
    for part in rest:
        found = name.find(part, position, end)
        if found < 0:
            return False
        position = found + len(part)
    return True


def _read(path: str, euid: int) -> bytes | None:
    """The file's content, None where there is no file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise PolicyUnreadable(f"{path} can't be read: {error.strerror}", next=_remedy(path)) from None
    try:
        _check_file(path, os.fstat(descriptor), euid)
        _check_folders(path, euid)
        data = os.read(descriptor, MAX_SIZE + 1)
    except OSError as error:
        raise PolicyUnreadable(f"{path} can't be read: {error.strerror}", next=_remedy(path)) from None
    finally:
        os.close(descriptor)
    if len(data) > MAX_SIZE:
        raise PolicyUnreadable(f"{path} is larger than {MAX_SIZE} bytes")
    return data


def _check_file(path: str, status: os.stat_result, euid: int) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise PolicyUnreadable(f"{path} is not a regular file")
    _check_owner(path, status, euid)
    if status.st_mode & 0o022:
        raise PolicyUnreadable(f"{path} can be written to by others than its owner", next=_remedy(path))


def _check_folders(path: str, euid: int) -> None:
    """Whoever can rename in a folder above the file can put another in its place."""
    folder = os.path.realpath(path)
    while folder != "/":
        folder = os.path.dirname(folder)
        status = os.stat(folder)
        if status.st_mode & 0o022 and not status.st_mode & stat.S_ISVTX:
            raise PolicyUnreadable(
                f"{path} can be replaced by others: they can write to {folder}", next=_remedy(folder)
            )
        _check_owner(folder, status, euid)


def _check_owner(path: str, status: os.stat_result, euid: int) -> None:
    if status.st_uid not in (0, euid):
        raise PolicyUnreadable(
            f"{path} belongs to uid {status.st_uid}; it must belong to root or to uid {euid}, who runs the service",
            next=f"chown root {path}",
        )


def _remedy(path: str) -> str:
    return f"chmod u=rwX,go=rX {path}"


def _identity_of_root() -> tuple[int, int]:
    status = os.stat("/")
    return (status.st_dev, status.st_ino)


_ROOT = _identity_of_root()


def _fields_of(table: dict[str, Any], known: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Turn a table into fields of `Policy`; `known` says for each key how, or what table it is.

    Raises:
        ValueError: a key is not known, or its value is not what it should be.
    """
    fields: dict[str, Any] = {}
    for key, value in table.items():
        name = f"{prefix}{key}"
        if key not in known:
            raise ValueError(f"{name} is not a key of a policy; known here: {', '.join(sorted(known))}")
        if isinstance(known[key], dict):
            if not isinstance(value, dict):
                raise ValueError(f"{name} must be a table: [{name}]")
            fields.update(_fields_of(value, known[key], f"{name}."))
        else:
            field, convert = known[key]
            fields[field] = convert(name, value)
    return fields


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{name} must be true or false")
    return value


def _one_of(*choices: str) -> Callable[[str, Any], str]:
    def convert(name: str, value: Any) -> str:
        if not isinstance(value, str) or value not in choices:
            raise ValueError(f"{name} must be one of {', '.join(choices)}")
        return value

    return convert


def _roles(name: str, value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        raise ValueError(f"{name} must be a table: [{name}]")
    role = _one_of(*ROLES)
    return {identity: role(f"{name}.{identity}", granted) for identity, granted in value.items()}


def _texts(name: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(text, str) and text.strip() for text in value):
        raise ValueError(f"{name} must be a list of texts")
    return tuple(text.strip() for text in value)


def _verbs(name: str, value: Any) -> tuple[str, ...]:
    verb = _one_of(*VERBS)
    return tuple(verb(name, text) for text in _texts(name, value))


def _patterns(name: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise ValueError(f"{name} must be a list of regular expressions")
    for text in value:
        try:
            compile_pattern(text)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
    return tuple(value)


def _share(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= 1:
        raise ValueError(f"{name} must be over 0 and at most 1")
    return float(value)


def _count(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= 100_000:
        raise ValueError(f"{name} must be a whole number, over 0 and at most 100000")
    return value


def _seconds(name: str, value: Any) -> float:
    units = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
    if isinstance(value, str) and value[-1:] in units and value[:-1].isdecimal() and len(value) < 10:
        value = int(value[:-1]) * units[value[-1]]
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= MAX_TTL:
        raise ValueError(f'{name} must be a duration as "90s", "10m" or "1h", at most 24 hours')
    return float(value)


_KEYS: dict[str, Any] = {
    "enabled": ("enabled", _flag),
    "values": ("values", _one_of("full", "shape")),
    "peers": ("peers", _one_of("namespace", "pod")),
    "outside": ("outside", _flag),
    "audit": ("audit", _one_of("stderr", "none")),
    "roles": ("roles", _roles),
    "forbid": {"modules": ("forbidden_modules", _texts), "verbs": ("forbidden_verbs", _verbs)},
    "redact": {"names": ("redact_names", _texts), "patterns": ("redact_patterns", _patterns)},
    "limits": {"cpu_share": ("cpu_share", _share), "hits": ("max_hits", _count), "ttl": ("max_ttl", _seconds)},
}
"""What a policy may say: key → field and check, or the keys of a table."""
