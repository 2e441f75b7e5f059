"""Modules of ours that are read when the agent starts and run when somebody looks.

Running them all at the start would cost every service 40 ms and 3 MB that most processes never need. Importing them
later is not possible everywhere: the process may have changed its root or its user by then, or its files may be those
of another version. So their code is kept as bytes, a megabyte, and they are run in the order below, each after
those that it imports: what looking needs at the first connection, what values and probes need when the first is asked
for. No import lock is held meanwhile: a child that is forked in between starts over.
"""

from __future__ import annotations

import marshal
import sys
from _frozen_importlib import module_from_spec
from _frozen_importlib_external import MAGIC_NUMBER, PathFinder, SourceFileLoader, spec_from_file_location
from _imp import _fix_co_filename  # type: ignore[attr-defined]

from pyrometer.agent.unpatched import native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from importlib.machinery import ModuleSpec

_ENGINE = "monitoring" if sys.version_info >= (3, 12) else "bytecode"
_ENGINES = {
    "monitoring": ("bindings", "events", "owners", "following", "calling", "pursuit", "raises", "monitoring"),
    "bytecode": (
        *("assembly", "flow", "rewriting", "trampolines", "switches", "calls", "bindings", "owners", "following"),
        *("timing", "plans"),
        *("raises", "trail", "catching", "bytecode"),
    ),
}
LOOKING = (
    *(f"link.{name}" for name in ("framing", "model")),
    *(f"guard.{name}" for name in ("permissions", "names", "texts", "redaction")),
    *(
        f"agent.{name}"
        for name in ("codes", "mappings", "getters", "attributes", "frames", "tables", "memory", "slots")
    ),
    *(f"agent.{name}" for name in ("phrases", "locks", "gil", "stacks", "slices", "loaded", "scopes", "sources")),
    *(f"agent.{name}" for name in ("silent", "locations", "writing", "drift", "futures", "chains", "loops")),
    *(f"agent.{name}" for name in ("awaiting", "census", "tasks", "greenlets", "arming", "links", "peers")),
    *(f"agent.{name}" for name in ("task_stacks", "sampler", "lags", "vitals", "requests", "reception")),
)
"""What the first connection needs: names below `pyrometer`, each after all that it imports."""
_READING = (
    *(f"agent.{name}" for name in ("kinds", "comparisons", "operations", "conversions", "iterations", "vocabulary")),
    *(f"agent.{name}" for name in ("templates", "renderings", "syntax", "terms", "comprehensions", "translation")),
    *(f"agent.{name}" for name in ("arrays", "known", "readings", "nodes", "drafts", "messages", "values")),
    "agent.expressions",
    "agent.disclosure",
)
_PROBING = (
    *(f"agent.engines{name}" for name in ("", ".line_costs", ".callbacks", ".handlers", ".fates", ".sinks")),
    *(f"agent.engines.{name}" for name in _ENGINES[_ENGINE]),
    *(f"agent.{name}" for name in ("budget", "endings", "placing", "causes", "traces", "snapshots", "loglines")),
    *(f"agent.{name}" for name in ("verdicts", "probe", "probes")),
)
MODULES = (*LOOKING, *_READING, *_PROBING)
"""All of them: what values and probes need comes last."""
_NEEDED = (
    *("atexit", "collections", "functools", "gc", "itertools", "json", "opcode", "operator", "re", "stat", "struct"),
)
"""What they import of the standard library, which may be out of reach by then as well."""
_HEADER = 16
"""Bytes of a cached module before its code: magic number, flags, and the source's time and size (PEP 552)."""


class Deferred:
    """The code of `MODULES`, from `read` to `run`."""

    def __init__(self) -> None:
        self._lock = native.allocate_lock()
        self._waiting: dict[str, tuple[ModuleSpec, bytes]] = {}
        self._running: str | None = None

    def read(self) -> None:
        """Keep the code of what has not been imported. Raises ImportError, OSError."""
        for name in _NEEDED:
            __import__(name)
        for name in (f"pyrometer.{each}" for each in MODULES):
            if name not in sys.modules:
                self._waiting[name] = _read(name)

    def run(self, modules: Iterable[str] = MODULES) -> None:
        """See that they are imported; returns at once where all are. Raises what importing raises."""
        if not self._waiting:
            return
        with self._lock:
            for name in (f"pyrometer.{each}" for each in modules):
                if name in self._waiting:
                    self._running = name
                    if name not in sys.modules:
                        _execute(*self._waiting[name])
                    del self._waiting[name]
            self._running = None

    def reset_after_fork(self) -> None:
        """In the child: another thread may have been in the middle of `run`, and that module begins anew."""
        self._lock = native.allocate_lock()
        if self._running in self._waiting:
            sys.modules.pop(self._running, None)
        self._running = None


def _read(name: str) -> tuple[ModuleSpec, bytes]:
    """A module as Python's cache has it, or would if it were current."""
    spec = _beside(name)
    return (spec, data) if (data := _cached(spec)) else _sought(name)


def _beside(name: str) -> ModuleSpec:
    """Where it is if it is a file beside those that run: a search asks the kernel four times for each."""
    package, _, below = name.removeprefix("pyrometer.").partition(".")
    path = f"{sys.modules[f'pyrometer.{package}'].__path__[0]}/{below.replace('.', '/')}.py"
    return spec_from_file_location(name, path, loader=SourceFileLoader(name, path))  # type: ignore[return-value]


def _sought(name: str) -> tuple[ModuleSpec, bytes]:
    """The same, found as imports find it, and compiled now if need be."""
    package, _, _ = name.rpartition(".")
    places = [f"{place}/engines" for place in sys.modules["pyrometer.agent"].__path__]
    spec = PathFinder.find_spec(name, places if package == "pyrometer.agent.engines" else sys.modules[package].__path__)
    if spec is None:
        raise ImportError(f"{name} is not there: install pyrometer again", name=name)
    return spec, _cached(spec) or bytes(_HEADER) + marshal.dumps(spec.loader.get_code(name))  # type: ignore[union-attr]


def _cached(spec: ModuleSpec) -> bytes:
    """What Python's cache holds of it; empty where that is missing or older than the source."""
    try:
        data: bytes = spec.loader.get_data(spec.cached)  # type: ignore[union-attr]
        status = spec.loader.path_stats(spec.origin)  # type: ignore[union-attr]
    except (OSError, AttributeError):
        return b""
    made = b"".join((int(number) & 0xFFFFFFFF).to_bytes(4, "little") for number in (0, status["mtime"], status["size"]))
    return data if data[:_HEADER] == MAGIC_NUMBER + made else b""


def _execute(spec: ModuleSpec, data: bytes) -> None:
    """Do what an import does once it has found the code."""
    code = marshal.loads(memoryview(data)[_HEADER:])  # noqa: S302 - our own files
    _fix_co_filename(code, spec.origin)
    module = sys.modules[spec.name] = module_from_spec(spec)
    try:
        exec(code, module.__dict__)  # noqa: S102
    except BaseException:
        sys.modules.pop(spec.name, None)
        raise
    package, _, name = spec.name.rpartition(".")
    setattr(sys.modules[package], name, module)
