"""Places of every kind, armed through the registry, hit by real calls, on the engine of this interpreter."""

from __future__ import annotations

import compileall
import gc
import importlib
import math
import sys
import time
import types
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.agent.owners import Owner, local
from tests.agent.places import line_of, loaded

from pyrometer.agent.probes import Registry
from pyrometer.link.errors import NoSuchPlace
from pyrometer.link.model import ProbeLimits, ProbeSpec

NAME = "shop_placed"
TEXT = """def total(items):
    found = sum(items)
    return found
"""
MANY = ProbeLimits(hits=1000, rate=1000)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder to import from; what was imported of it is gone afterwards."""
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]
    importlib.invalidate_caches()


def arm(registry: Registry, owner: Owner, **place: Any) -> Any:
    return registry.arm(ProbeSpec("p", "", limits=MANY, **place), owner, owner.emit)


def later(registry: Registry, seconds: float = 3.0) -> None:
    """Have the registry look after its places, some time from now."""
    registry.tick(time.monotonic() + seconds)


def lines(owner: Owner) -> list[int]:
    return [hit["frames"][0]["line"] for hit in owner.hits]


def values(owner: Owner, name: str) -> list[Any]:
    return [local(hit, name).get("value") for hit in owner.hits]


# What becomes of code while it is probed. Fault 31.


def test_a_module_that_is_loaded_again_is_followed(registry: Registry, owner: Owner, folder: Path) -> None:
    """The line is that of the new code from then on; nothing is hit in the old one's place. Fault 31."""
    file = folder / f"{NAME}.py"
    file.write_text(TEXT)
    module = importlib.import_module(NAME)
    old = module.total
    arm(registry, owner, line=(f"{NAME}.py", 3))
    assert module.total([1]) == 1
    file.write_text(TEXT.replace("sum(items)", "sum(items) + 1000"))
    importlib.invalidate_caches()
    importlib.reload(module)
    later(registry)
    assert module.total([2]) == 1002
    assert values(owner, "found") == ["1", "1002"]
    assert old([3]) == 3
    assert len(owner.hits) == 2


def test_a_function_that_was_replaced_is_followed(registry: Registry, owner: Owner) -> None:
    """By the name of the function: another one of that name in its place. Fault 31."""
    with loaded("shapes", NAME) as module:
        arm(registry, owner, function=(NAME, "plain"))
        module.plain(1)
        scope = module.__dict__
        exec(compile("def plain(a, b=2):\n    return a * b\n", "/srv/patched.py", "exec"), scope)
        later(registry)
        module.plain(3)
    assert values(owner, "a") == ["1", "3"]


def test_a_function_whose_code_was_swapped_is_followed(registry: Registry, owner: Owner) -> None:
    """Tools that patch at run time set `__code__`; no hit is told of code that does not run. Fault 31."""
    with loaded("shapes", NAME) as module:
        arm(registry, owner, function=(NAME, "plain"))
        module.plain(1)
        scope: dict[str, Any] = {}
        exec(compile("def plain(a, b=2):\n    c = a\n    return c\n", "/srv/patched.py", "exec"), scope)
        module.plain.__code__ = scope["plain"].__code__
        module.plain(2)
        later(registry)
        assert module.plain(3) == 3
    assert values(owner, "a")[-1] == "3"


def test_a_probe_whose_function_is_gone_stays_and_says_that_it_is_not_reached(registry: Registry, owner: Owner) -> None:
    """Nothing else is hit in its place. Fault 31."""
    with loaded("shapes", NAME) as module:
        arm(registry, owner, function=(NAME, "plain"))
        del module.plain
        later(registry)
        module.one_line(1)
        (status,) = registry.statuses()
        assert (status.state, status.reached) == ("ARMED", 0)


# Where code comes from. Faults 27 and 32.


def test_code_that_is_not_imported_yet_is_armed_when_it_is(registry: Registry, owner: Owner, folder: Path) -> None:
    """Pending says what it waits for; the first calls after the next look are seen, on 3.11 too. Fault 27."""
    (folder / f"{NAME}.py").write_text(TEXT)
    status = arm(registry, owner, line=(f"{NAME}.py", 3))
    assert status.state == "PENDING"
    assert (
        status.reason
        == f"{NAME}.py is not loaded yet; what is in no function runs while it is loaded, before it is found"
    )
    module = importlib.import_module(NAME)
    registry.tick(time.monotonic())
    module.total([1, 2])
    assert values(owner, "found") == ["3"]


def test_a_line_without_code_of_a_module_that_came_late_ends_the_probe(
    registry: Registry, owner: Owner, folder: Path
) -> None:
    """It can't come any more, and the reason names the nearest lines. Faults 27 and 28."""
    (folder / f"{NAME}.py").write_text(TEXT.replace("    return", "    # why\n    return"))
    arm(registry, owner, line=(f"{NAME}.py", 3))
    importlib.import_module(NAME)
    registry.tick(time.monotonic())
    (status,) = registry.statuses()
    assert status.state == "FAILED"
    assert "a comment" in status.reason
    assert "2 and 4" in status.reason


def test_an_import_that_fails_leaves_the_probe_pending(registry: Registry, owner: Owner, folder: Path) -> None:
    """The service sees its own error, as without us. Fault 27."""
    (folder / f"{NAME}.py").write_text(TEXT + "raise ValueError('not today')\n")
    arm(registry, owner, function=(NAME, "total"))
    with pytest.raises(ValueError, match="not today"):
        importlib.import_module(NAME)
    later(registry)
    assert [status.state for status in registry.statuses()] == ["PENDING"]


def test_code_of_an_archive_is_found(registry: Registry, owner: Owner, folder: Path) -> None:
    """`zipimport`: the path goes through the archive, and there is no file to compare with. Fault 32."""
    with zipfile.ZipFile(folder / "shop.zip", "w") as archive:
        archive.writestr("placed_zip.py", TEXT)
    sys.path.insert(0, str(folder / "shop.zip"))
    try:
        module = importlib.import_module("placed_zip")
    finally:
        sys.path.remove(str(folder / "shop.zip"))
    arm(registry, owner, line=("shop.zip/placed_zip.py", 3))
    module.total([4])
    assert values(owner, "found") == ["4"]


def test_code_without_source_is_found_by_the_name_that_it_was_compiled_with(
    registry: Registry, owner: Owner, folder: Path
) -> None:
    """Only the compiled file was shipped. Fault 32."""
    source = folder / "placed_pyc.py"
    source.write_text(TEXT)
    compileall.compile_file(str(source), legacy=True, quiet=1)
    source.unlink()
    module = importlib.import_module("placed_pyc")
    assert str(module.__file__).endswith(".pyc")
    arm(registry, owner, line=("placed_pyc.py", 3))
    module.total([5])
    assert values(owner, "found") == ["5"]


@pytest.mark.parametrize("file", ["<string>", "<ipython-input-3-a1b2>", "/tmp/ipykernel_7/1234.py"])
def test_code_of_a_cell_or_of_exec_is_found(registry: Registry, owner: Owner, file: str) -> None:
    """By its function's name, and by the name that it was compiled with. Fault 32."""
    module = types.ModuleType(NAME)
    exec(compile(TEXT, file, "exec"), module.__dict__)
    sys.modules[NAME] = module
    try:
        arm(registry, owner, line=(file, 3))
        module.total([6])
        registry.disarm(["p"])
        arm(registry, owner, function=(NAME, "total"))
        module.total([7])
    finally:
        del sys.modules[NAME]
    assert lines(owner) == [3, 2]


def test_a_compiled_function_is_refused_for_what_it_is(registry: Registry, owner: Owner) -> None:
    """C and Cython have no Python code to probe; "no such function" would be wrong. Fault 32."""
    assert math.sqrt(4) == 2
    with pytest.raises(NoSuchPlace) as refused:
        arm(registry, owner, function=("math", "sqrt"))
    assert refused.value.message == "math:sqrt is compiled (a builtin_function_or_method): it has no Python code"


def test_code_that_the_collector_does_not_see_is_found(registry: Registry, owner: Owner) -> None:
    """`gc.freeze()` before a fork hides all objects from it; places are looked up without it. Fault 33."""
    with loaded("shapes", NAME) as module:
        gc.freeze()
        try:
            arm(registry, owner, line=("shapes.py", line_of("shapes", "hidden")))
            module.hidden(3)
        finally:
            gc.unfreeze()
    assert values(owner, "a") == ["3"]


def test_all_code_of_one_line_is_armed(registry: Registry, owner: Owner) -> None:
    """A function and the generator that it makes are on one line; both are hit, with frames of their own. Fault 33."""
    with loaded("shapes", NAME) as module:
        arm(registry, owner, line=("shapes.py", line_of("shapes", "generated")))
        assert module.generated([1, 2]) == 5
    assert {"items", "item"} <= {name for hit in owner.hits for name, _ in hit["frames"][0]["locals"]}


def test_a_pattern_arms_all_that_it_means(registry: Registry, owner: Owner) -> None:
    """`*` in a module's name and in a function's; each function at its own first line. Fault 33."""
    with loaded("shapes", NAME) as module:
        arm(registry, owner, function=("shop_pl*", "Cart.*"))
        cart = module.Cart([1, 2])
        assert (cart.total(), cart.count, cart.half, cart.first(), cart.parse("a b")) == (3, 2, 1.5, 1, ["a", "b"])
    words = ["Cart: init", "Cart: total", "Cart: count", "Cart: half", "Cart: total", "Cart: first", "Cart: parse"]
    assert lines(owner) == [line_of("shapes", each) for each in words]


@pytest.mark.parametrize(
    ("function", "words", "call", "lines"),
    [
        ("branches", "branches: one line", (1,), 1),
        ("branches", "branches: walrus", (1,), 1),
        ("branches", "branches: argument", (1,), 1),
        ("branches", "branches: decorator's own", (1,), 0),
    ],
)
def test_statements_of_every_form_are_hit(
    registry: Registry, owner: Owner, function: str, words: str, call: tuple[Any, ...], lines: int
) -> None:
    """One-line `if`, walrus, an argument of a call over several lines: the right line and frame. Fault 33."""
    with loaded("shapes", NAME) as module:
        if lines == 0:
            with pytest.raises(NoSuchPlace, match="decorator"):
                arm(registry, owner, line=("shapes.py", line_of("shapes", words)))
            return
        arm(registry, owner, line=("shapes.py", line_of("shapes", words)))
        getattr(module, function)(*call)
    assert values(owner, "a") == ["1"]
