"""Which tests run here: by version of Python, and by what the machine has."""

from __future__ import annotations

import os
import signal
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.support.needs import NEEDS, is_present

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts what it sends to the background that way, and all that the tests start would be deaf to ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Making up inputs is as quick as the machine is free.
settings.register_profile("house", suppress_health_check=[HealthCheck.too_slow], deadline=None)
settings.load_profile("house")

IN_CI = os.environ.get("CI", "") not in ("", "0", "false")
_left_out: Counter[str] = Counter()


def _version(mark: pytest.Mark) -> tuple[int, ...]:
    return tuple(int(part) for part in mark.args[0].split("."))


@pytest.fixture
def policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A policy file of the owner's, empty: for this process and those that it starts."""
    path = tmp_path / "policy.toml"
    path.write_text("")
    path.chmod(0o600)
    monkeypatch.setenv("PYROMETER_POLICY", str(path))
    return path


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--thorough`: those that take minutes too."""
    parser.addoption("--thorough", action="store_true", help="run the tests that take minutes too")


def _concerns_this_python(item: pytest.Item) -> bool:
    here = sys.version_info[:2]
    since = all(_version(mark) <= here for mark in item.iter_markers("since_python"))
    return since and all(_version(mark) == here for mark in item.iter_markers("only_python"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect what is about another version of Python, which has nothing to say here, and what takes minutes."""
    thorough = config.getoption("thorough")
    kept = [
        item
        for item in items
        if _concerns_this_python(item) and (thorough or item.get_closest_marker("thorough") is None)
    ]
    if len(kept) < len(items):
        config.hook.pytest_deselected(items=[item for item in items if item not in set(kept)])
        items[:] = kept


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leave out what the machine lacks something for; in CI that is an error."""
    needed = dict.fromkeys(name for mark in item.iter_markers("needs") for name in mark.args)
    missing = [name for name in needed if not is_present(name)]
    if not missing:
        return
    if IN_CI:
        pytest.fail(f"CI lacks {', '.join(missing)}: .ci/run installs what the tests need", pytrace=False)
    _left_out.update(missing)
    pytest.skip(f"needs {', '.join(missing)}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was left out, why, and how to have it."""
    for name, count in sorted(_left_out.items()):
        noun = "test needs" if count == 1 else "tests need"
        terminalreporter.write_line(f"left out: {count} {noun} {name}: {NEEDS[name].remedy}")
