"""Files that were changed after they were loaded: told for what was changed, and for nothing else."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
import time
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.agent.places import PROGRAMS, line_of

from pyrometer.agent import drift
from pyrometer.agent.drift import Drift, ShownDrift
from pyrometer.agent.probes import Registry
from pyrometer.guard.policy import Policy
from pyrometer.link.errors import SourceChanged
from pyrometer.link.model import ProbeSpec

NAME = "shop_deployed"


@pytest.fixture
def deployed(tmp_path: Path) -> Iterator[types.ModuleType]:
    """The shapes, as a module of a file of its own."""
    file = tmp_path / "deployed.py"
    shutil.copy(PROGRAMS / "shapes.py", file)
    spec = importlib.util.spec_from_file_location(NAME, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[NAME] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[NAME]


@pytest.fixture
def registry() -> Iterator[Registry]:
    made = Registry(Policy)
    yield made
    made.disarm([status.probe_id for status in made.statuses()])


def rewrite(module: types.ModuleType, change: Callable[[str], str]) -> None:
    """Deploy another text over a module's file, as tools do it: a new file in its place."""
    file = Path(str(module.__file__))
    new = file.with_suffix(".new")
    new.write_text(change(file.read_text()))
    new.replace(file)


def emit(event: dict[str, Any], weight: int) -> bool:
    return True


def at(words: str, *, force: bool = False) -> ProbeSpec:
    return ProbeSpec("p", words, line=("deployed.py", line_of("shapes", words)), force=force)


def test_a_line_of_a_file_that_was_changed_is_refused(registry: Registry, deployed: types.ModuleType) -> None:
    """The user counts the lines of another text than the one that runs. Fault 30."""
    rewrite(deployed, lambda text: "# a comment more\n" + text)
    with pytest.raises(SourceChanged) as refused:
        registry.arm(at("plain: return"), object(), emit)
    assert "plain" in refused.value.message
    assert "--force" in refused.value.next
    assert registry.statuses() == []


def test_it_is_taken_where_that_is_asked_for(registry: Registry, deployed: types.ModuleType) -> None:
    """`--force`: the line of what runs, and the probe says so as long as it lives. Fault 30."""
    rewrite(deployed, lambda text: "# a comment more\n" + text)
    status = registry.arm(at("plain: return", force=True), object(), emit)
    assert (status.state, drift.WORDS in status.reason) == ("ARMED", True)


def test_a_function_is_asked_for_by_its_name(registry: Registry, deployed: types.ModuleType) -> None:
    """No line is counted, so nothing is refused; its lines are not shown at a hit."""
    rewrite(deployed, lambda text: "# a comment more\n" + text)
    status = registry.arm(ProbeSpec("p", "plain", function=(NAME, "plain")), object(), emit)
    assert status.state == "ARMED"


@pytest.mark.parametrize("change", [lambda text: text, lambda text: text + "\n\ndef more():\n    return 1\n"])
def test_a_file_that_was_written_again_is_the_same(
    registry: Registry, deployed: types.ModuleType, change: Callable[[str], str]
) -> None:
    """A deploy that changes nothing at the place, or only the time of the file, is no reason to refuse. Fault 30."""
    rewrite(deployed, change)
    status = registry.arm(at("plain: return"), object(), emit)
    assert (status.state, drift.WORDS in status.reason) == ("ARMED", False)


def test_a_module_that_was_loaded_again_is_of_the_new_text(registry: Registry, deployed: types.ModuleType) -> None:
    """Then what runs is what the file says. Faults 30 and 31."""
    rewrite(deployed, lambda text: "\n" + text)
    assert deployed.__spec__ is not None
    assert deployed.__spec__.loader is not None
    deployed.__spec__.loader.exec_module(deployed)
    line = line_of("shapes", "plain: return") + 1
    assert registry.arm(ProbeSpec("p", "", line=("deployed.py", line)), object(), emit).state == "ARMED"


def test_only_the_lines_that_were_changed_are_not_shown(deployed: types.ModuleType) -> None:
    """Of a function before the change the lines are right."""
    file = str(deployed.__file__)
    rewrite(deployed, lambda text: text.replace("class Cart:", "\nclass Cart:"))
    shown = ShownDrift(10.0)
    assert not shown.has_changed(file, line_of("shapes", "plain: total"))
    assert shown.has_changed(file, line_of("shapes", "Cart: total"))


def test_what_an_import_hook_made_of_a_file_can_not_be_told(deployed: types.ModuleType) -> None:
    """Its loader is none of Python's own: the text is not expected to be what runs."""

    class Hook(type(deployed.__loader__)):  # type: ignore[misc]
        pass

    rewrite(deployed, lambda text: "\n" + text)
    assert Drift().has_changed(deployed.plain.__code__)
    deployed.__loader__ = Hook(NAME, str(deployed.__file__))
    assert not Drift().has_changed(deployed.plain.__code__)


def test_a_file_that_is_gone_is_no_other_text(deployed: types.ModuleType) -> None:
    """There is nothing that the user could have counted in."""
    Path(str(deployed.__file__)).unlink()
    assert not Drift().has_changed(deployed.plain.__code__)


def test_a_file_is_untouched_if_nothing_on_its_way_was_touched(tmp_path: Path) -> None:
    """A link that was turned to another release changes what the file is, though that itself is old."""
    for release in ("41", "42"):
        (tmp_path / release).mkdir()
        (tmp_path / release / "shop.py").write_text("")
    current = tmp_path / "current"
    current.symlink_to("41")
    file = str(current / "shop.py")
    assert drift.is_untouched(file, time.time() + 3600)
    assert not drift.is_untouched(file, os.lstat(current).st_ctime)
    assert not drift.is_untouched(str(tmp_path / "none.py"), time.time() + 3600)
