"""The packages: which versions, and what their tests need; and how their sources and environments are made."""

from __future__ import annotations

import subprocess
import tarfile
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(".tools/explore")
COMMON = ("pytest==9.0.2", "pytest-timeout")


class Package(NamedTuple):
    """A package whose source distribution has its tests."""

    name: str
    version: str
    module: str
    """What is imported, and probed."""
    needs: tuple[str, ...] = ()
    tests: str = "tests"


PACKAGES = (
    Package("idna", "3.20", "idna", ("hypothesis",)),
    Package("more-itertools", "11.2.1", "more_itertools"),
    Package("click", "8.5.1", "click"),
    Package("packaging", "26.3", "packaging", ("hypothesis", "pretend", "tomli_w")),
    Package("attrs", "26.1.0", "attr", ("hypothesis", "cloudpickle")),
)


def sources(package: Package) -> Path:
    """The unpacked source distribution, fetched the first time from the package index that pip is set up with."""
    kept = FOLDER / "sources"
    unpacked = sorted(kept.glob(f"{package.name.replace('-', '?')}-{package.version}/"))
    if not unpacked:
        kept.mkdir(parents=True, exist_ok=True)
        python = next(FOLDER.glob("3.*/bin/python"))
        options = ["--no-deps", "--no-binary", package.name, "-d", str(kept)]
        _quietly([str(python), "-m", "pip", "download", "-q", *options, f"{package.name}=={package.version}"])
        for archive in kept.glob("*.tar.gz"):
            with tarfile.open(archive) as file:
                file.extractall(kept, filter="data")
            archive.unlink()
        unpacked = sorted(kept.glob(f"{package.name.replace('-', '?')}-{package.version}/"))
    return unpacked[0].resolve()


def install(package: Package, python: Path) -> None:
    """Have a package, from its source distribution, and what its tests need in an environment."""
    mark = python.parents[1] / f"{package.name}-{package.version}"
    if mark.exists():
        return
    _quietly([str(python), "-m", "pip", "install", "-q", *COMMON, *package.needs, str(sources(package))])
    mark.touch()


def _quietly(command: list[str]) -> None:
    done = subprocess.run(
        [*command, "--disable-pip-version-check"], capture_output=True, text=True, timeout=600, check=False
    )
    if done.returncode:
        raise SystemExit(f"explore: {' '.join(command)}\n{done.stderr[-2000:]}")
