"""What each package may import, written down once: design section 2.

The contracts of import-linter say which of our packages may not see which; a list of what is forbidden can't tell that
something new came in. This list is of what is allowed.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

ALLOWED = {
    "agent/pyrometer/link": {"pyrometer.link"},
    "agent/pyrometer/guard": {"pyrometer.guard", "pyrometer.link"},
    "agent/pyrometer/agent": {"pyrometer.agent", "pyrometer.guard", "pyrometer.link", "sitecustomize"},
    "agent/pyrometer/server": {
        "pyrometer.server",
        "pyrometer.guard",
        "pyrometer.link",
        "pyrometer.v1",
        "google.protobuf",
        "grpc",
        "grpc_health",
        "grpc_reflection",
        "psutil",
    },
    "client/pyrometer/client": {
        "pyrometer.client",
        "pyrometer.v1",
        "click",
        "google.protobuf",
        "grpc",
        "grpc_health",
        "rich",
    },
    "client/pyrometer/demo": {"shop"},
    "protos/pyrometer/v1": {"pyrometer.v1", "google.protobuf", "grpc"},
}

TOO_DEAR = {
    "asyncio",
    "ctypes",
    "dataclasses",
    "dis",
    "inspect",
    "linecache",
    "logging",
    "pathlib",
    "subprocess",
    "threading",
    "traceback",
    "typing",
}
"""What the agent must not load when it is imported: memory, or code of the service's that would run with it."""


class _Imports(ast.NodeVisitor):
    """Collects line and module of imports; those for the type checker alone are left out."""

    def __init__(self, *, in_functions: bool) -> None:
        self.found: list[tuple[int, str]] = []
        self._in_functions = in_functions

    def visit_Import(self, node: ast.Import) -> None:
        self.found += [(node.lineno, alias.name) for alias in node.names]

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        self.found.append((node.lineno, "." * node.level + (node.module or "")))

    def visit_If(self, node: ast.If) -> None:
        only_for_types = ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")
        for child in node.orelse if only_for_types else node.body + node.orelse:
            self.visit(child)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        if self._in_functions:
            self.generic_visit(node)


def _imports(folder: str, *, in_functions: bool) -> Iterator[tuple[str, str]]:
    """Yield place and module of each import below a folder."""
    for path in sorted((ROOT / folder).rglob("*.py")):
        imports = _Imports(in_functions=in_functions)
        imports.visit(ast.parse(path.read_bytes()))
        yield from ((f"{path.relative_to(ROOT)}:{line}: {module}", module) for line, module in imports.found)


def _is_allowed(module: str, allowed: set[str]) -> bool:
    if module.partition(".")[0] in sys.stdlib_module_names | {"__future__"}:
        return True
    return any(module == name or module.startswith(name + ".") for name in allowed)


def test_every_package_of_ours_is_in_the_list() -> None:
    """A package that nobody gave a place could import anything."""
    packages = {
        str(path.relative_to(ROOT))
        for top in ("agent", "client", "protos")
        for path in (ROOT / top / "pyrometer").iterdir()
        if path.is_dir() and path.name != "__pycache__"
    }
    assert set(ALLOWED) == packages


@pytest.mark.parametrize("folder", sorted(ALLOWED))
def test_imports_are_those_that_the_design_allows(folder: str) -> None:
    """Standard library only where the code lives in somebody else's process; one direction everywhere."""
    imports = _imports(folder, in_functions=True)
    assert not [place for place, module in imports if not _is_allowed(module, ALLOWED[folder])]


@pytest.mark.parametrize("folder", ["agent/pyrometer/agent", "agent/pyrometer/guard", "agent/pyrometer/link"])
def test_the_agent_loads_nothing_dear_when_it_is_imported(folder: str) -> None:
    """Import of the agent costs the service 4 MB and 30 ms at most; what it does not need stays out."""
    imports = _imports(folder, in_functions=False)
    assert not [place for place, module in imports if module.partition(".")[0] in TOO_DEAR]


def test_nobody_makes_the_namespace_a_package() -> None:
    """`pyrometer/__init__.py` in one source root would hide the others."""
    assert not [
        str(path) for top in ("agent", "client", "protos") for path in (ROOT / top).glob("pyrometer/__init__.py")
    ]
