"""Loads programs as modules of chosen names, and finds their lines by the comments that stand there."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

PROGRAMS = Path(__file__).parent / "programs"
SHAPES, FLOWS, FAULTS = "shop_shapes", "shop_flows", "shop_faults"
"""Modules that the programs of these names are loaded as."""


@contextmanager
def loaded(program: str, name: str) -> Iterator[ModuleType]:
    """A program as the module of that name, until the end of the block."""
    spec = importlib.util.spec_from_file_location(name, PROGRAMS / f"{program}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
        yield module
    finally:
        del sys.modules[name]


def line_of(program: str, words: str) -> int:
    """The number of the line that ends with a comment of these words."""
    lines = (PROGRAMS / f"{program}.py").read_text().splitlines()
    found = [number for number, text in enumerate(lines, 1) if text.endswith("# " + words)]
    assert len(found) == 1, f"{words!r} is at {found}"
    return found[0]
