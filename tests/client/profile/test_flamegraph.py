"""The flame graph's page: one file, offline, safe whatever a function is called."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from pyrometer.client.profile.flamegraph import render
from pyrometer.client.profile.model import Function, Process, Profile, Sample, Thread
from pyrometer.client.profile.paths import Origin

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


def profile(hot: str = "hot", stacks: int = 2) -> Profile:
    """A profile of two threads: 60 % of it in one function, under `main`."""
    functions = (
        Function("main", "/srv/shop/app.py", Origin.SERVICE),
        Function(hot, "/srv/shop/pricing.py", Origin.SERVICE),
        Function("loads", "/usr/lib/python3.11/json/decoder.py", Origin.STDLIB),
        *(Function(f"f{n}", "/srv/shop/many.py", Origin.SERVICE) for n in range(max(0, stacks - 2))),
    )
    samples = (
        Sample(((1, 80), (0, 12)), 0, 600, 6),
        Sample(((2, 343), (0, 13)), 1, 400, 4),
        *(Sample(((n, 1), (1, 80), (0, 12)), n % 2, 1, 1) for n in range(3, stacks + 1)),
    )
    return Profile(
        kind="cpu",
        unit="count",
        functions=functions,
        processes=(Process(4107, "shop", "gunicorn: worker"),),
        threads=(Thread(0, "MainThread", 4107), Thread(0, "Thread-1", 4108)),
        samples=samples,
        began=1_790_000_000.0,
        seconds=10.0,
        notes={"service": "shop", "source": "outside", "rate": "98"},
    )


def data_of(page: str) -> dict[str, object]:
    """The data in a page, as a browser reads it."""
    (text,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    data: dict[str, object] = json.loads(text)
    return data


def test_every_stack_is_in_the_page() -> None:
    """Flat arrays, innermost first."""
    data = data_of(render(profile()))
    assert (data["lengths"], data["frames"], data["values"]) == ([2, 2], [1, 0, 2, 0], [600, 400])
    assert data["stackThreads"] == [0, 1]


def test_nothing_is_asked_of_a_network() -> None:
    """One file: no address in it, and the browser is told to load none."""
    page = render(profile())
    assert not re.search(r"https?://|//[a-z]+\.", page)
    assert "default-src 'none'" in page


@pytest.mark.parametrize("name", ["</script><b>", "<!--", "a&amp;b", '"];alert(1)//', "\u2028"])
def test_a_hostile_name_stays_a_name(name: str) -> None:
    """Fault 83."""
    page = render(profile(name))
    functions = data_of(page)["functions"]
    assert isinstance(functions, list)
    assert functions[1][0] == name
    assert page.count("<script") == 2


@pytest.mark.needs("chromium")
@pytest.mark.parametrize("name", ["hot", "</script><b id=evil>"])
def test_a_browser_draws_and_searches_it(tmp_path: Path, name: str) -> None:
    """The share of what a search matches, and the table beside the graph."""
    shown = dom(tmp_path, render(profile(name)), "#search=pricing")
    assert "60 % matched" in shown
    assert "<b id=" not in shown
    assert re.search(r'class="n">60 %</td>', shown)
    assert "localhost" not in shown


@pytest.mark.needs("chromium")
@pytest.mark.slow
def test_a_hundred_thousand_stacks_are_drawn(tmp_path: Path) -> None:
    """They are all there: the menu counts the threads, the search its matches."""
    assert "matched" in dom(tmp_path, render(profile(stacks=100_000)), "#search=many")


def dom(folder: Path, page: str, state: str) -> str:
    """The page's document after its script has run."""
    file = folder / "page.html"
    file.write_text(page)
    argv = ["chromium", *_FLAGS, f"--user-data-dir={folder}/profile", "--dump-dom", f"{file.as_uri()}{state}"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=90, check=True)
    return re.sub(r'<script type="application/json".*?</script>', "", done.stdout, flags=re.DOTALL)
