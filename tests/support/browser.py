"""A page as Chromium has it after its script has run."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from tests.support.needs import find_program

_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--virtual-time-budget=5000",
]


def dom(folder: Path, page: str, state: str) -> str:
    """The page's document after its script has run."""
    file = folder / "page.html"
    file.write_text(page, encoding="utf-8")
    browser = find_program("chromium") or find_program("chromium-browser") or find_program("google-chrome") or ""
    argv = [browser, *_FLAGS, f"--user-data-dir={folder}/profile", "--dump-dom", f"{file.as_uri()}{state}"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=90, check=True)
    return re.sub(r'<script type="application/json".*?</script>', "", done.stdout, flags=re.DOTALL)
