"""`python -m exploration`: each suite without us and with all probed, and whether anything came out otherwise."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from exploration.packages import PACKAGES, Package, install, sources

_AGENT = Path("agent").resolve()
_SCRIPTS = Path("scripts").resolve()
_LONGEST = 1500


def main() -> int:
    """Explore what is asked for; 1 if any suite came out otherwise, or not at all."""
    asked = _arguments()
    found = []
    for python in asked.interpreter:
        for package in PACKAGES:
            if not asked.package or package.name in asked.package:
                install(package, python)
                found.append(_explore(package, python))
                _say(_line(found[-1]))
                for name, plain, probed in found[-1]["otherwise"]:
                    _say(f"    {name}: {plain} without us, {probed} with")
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=2) + "\n")
    return 1 if any(each["otherwise"] or each["failure"] for each in found) else 0


def _explore(package: Package, python: Path) -> dict[str, Any]:
    """One suite on one interpreter, both ways."""
    plain, probed = (_run(package, python, mode) for mode in ("plain", "probed"))
    before, after = plain.get("outcomes", {}), probed.get("outcomes", {})
    names = sorted({*before, *after})
    differing = [(name, before.get(name, "not run"), after.get(name, "not run")) for name in names]
    return {
        "package": f"{package.name} {package.version}",
        "python": plain.get("version", ""),
        "tests": len(before),
        "outcomes": dict(Counter(before.values())),
        "otherwise": [each for each in differing if each[1] != each[2]],
        "failure": plain.get("failure", "") or probed.get("failure", ""),
        "seconds": [plain["seconds"], probed["seconds"]],
        **{name: probed.get(name) for name in _FIGURES},
    }


_FIGURES = ("functions", "lines", "not_placed", "reached", "raised", "captured", "errors")


def _run(package: Package, python: Path, mode: str) -> dict[str, Any]:
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.json"
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PYTHON")},
            "PYTHONPATH": f"{_AGENT}:{_SCRIPTS}",
            "PYTHONHASHSEED": "0",
            "EXPLORE_MODULE": package.module,
            "EXPLORE_MODE": mode,
            "EXPLORE_OUT": str(out),
        }
        options = ["-q", "-p", "exploration.plugin", "-p", "no:cacheprovider", "-o", "timeout=0"]
        done = subprocess.run(
            [str(python.absolute()), "-m", "pytest", *options, package.tests],
            cwd=sources(package),
            env=environment,
            capture_output=True,
            text=True,
            timeout=_LONGEST,
            check=False,
        )
        told: dict[str, Any] = json.loads(out.read_text()) if out.exists() else {}
    if not told.get("outcomes"):
        told["failure"] = f"{mode}: exit code {done.returncode}: {(done.stdout + done.stderr)[-3000:]}"
    told["seconds"] = round(time.monotonic() - began, 1)
    return told


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _line(found: dict[str, Any]) -> str:
    """One suite in a line."""
    if found["failure"]:
        return f"{found['package']:<22} {found['python']:<8} did not run: {found['failure']}"
    captured = found["captured"] or {}
    same = "all as without us" if not found["otherwise"] else f"{len(found['otherwise'])} OTHERWISE"
    unplaced = f", {len(found['not_placed'])} probes not placed" if found["not_placed"] else ""
    return (
        f"{found['package']:<22} {found['python']:<8} {found['tests']:>6,} tests, {same}; "
        f"{found['lines']:,} lines of {found['functions']:,} functions reached {found['reached']:,} times, "
        f"{captured.get('lines', 0):,} captured; {found['raised']:,} exceptions, "
        f"{captured.get('exceptions', 0):,} captured"
        f"{unplaced}; {found['seconds'][0]} s and {found['seconds'][1]} s"
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/explore", description=__doc__)
    parser.add_argument("--package", action="append", help="only this package")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    parser.add_argument("--in", dest="interpreter", action="append", type=Path, required=True, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
