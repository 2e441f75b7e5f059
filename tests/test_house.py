"""Rules of the house that no linter knows."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LONGEST_FILE = 500


def _tracked() -> list[Path]:
    """Files of the repository, with those that are new and not ignored; all files where there is no git."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    names = listing.stdout.splitlines()
    if not names:
        pytest.skip("not a git checkout")
    return [path for name in names if (path := ROOT / name).is_file()]


def _texts(*suffixes: str) -> list[tuple[str, str]]:
    return [
        (str(path.relative_to(ROOT)), path.read_text(encoding="utf-8"))
        for path in _tracked()
        if path.suffix in suffixes and "_pb2." not in path.name
    ]


def test_no_file_names_a_path_of_the_machine_that_it_was_written_on() -> None:
    """What is in the repository works in any folder of any machine."""
    places = {str(Path.home()), str(ROOT.parent)} - {"/", "/srv", "/tmp", "/home", "/opt"}
    pattern = re.compile("|".join(r"(?<![\w.])" + re.escape(place) + "/" for place in places))
    texts = _texts(".py", ".md", ".toml", ".sh", "", ".proto", ".json", ".js", ".css")
    assert not [name for name, text in texts if pattern.search(text)]


def test_files_stay_within_what_one_can_read() -> None:
    """One noun a module: nobody has to scroll through thousands of lines."""
    sizes = {name: text.count("\n") for name, text in _texts(".py") if not name.startswith("tests/")}
    assert not {name: size for name, size in sizes.items() if size > LONGEST_FILE}
