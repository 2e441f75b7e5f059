"""The flame graph's page: one file, offline, safe whatever a function is called."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.client.profile import examples
from tests.client.profile.test_comparison import cold, hot
from tests.support.browser import dom

from pyrometer.client.profile import reading
from pyrometer.client.profile.comparison import Comparison
from pyrometer.client.profile.flamegraph import facts, render, render_difference
from pyrometer.client.profile.model import Function, NotAProfile, Process, Profile, Sample, Thread
from pyrometer.client.profile.paths import Origin

_PROGRAMS = Path(__file__).parent / "programs"
_HOSTILE = ["</script><b id=evil>", "<!--<script>", "a&amp;b", '"];alert(1)//', "\u2028", "@SCRIPT@"]

MAIN, HOT, LOADS, RUN = range(4)


def profile(hot: str = "hot") -> Profile:
    """A profile of two processes: 60 % of it in one function, under `main`, under a library's `run`."""
    functions = (
        Function("main", "/srv/shop/app.py", Origin.SERVICE),
        Function(hot, "/srv/shop/pricing.py", Origin.SERVICE),
        Function("loads", "/usr/lib/python3.11/json/decoder.py", Origin.STDLIB),
        Function("run", "/usr/lib/python3.11/site-packages/flask/app.py", Origin.LIBRARY),
    )
    samples = (
        Sample(((HOT, 80), (MAIN, 12), (RUN, 9)), 0, 500, 5),
        Sample(((HOT, 81), (MAIN, 12), (RUN, 9)), 0, 100, 1),
        Sample(((LOADS, 343), (MAIN, 13), (RUN, 9)), 1, 300, 3),
        Sample(((HOT, 80), (HOT, 80), (LOADS, 340)), 1, 100, 1),
    )
    return Profile(
        kind="cpu",
        unit="count",
        functions=functions,
        processes=(Process(4107, "shop", "gunicorn: worker"), Process(4108, "shop", "")),
        threads=(Thread(0, "MainThread", 4107), Thread(1, "", 4109)),
        samples=samples,
        began=1_790_000_000.0,
        seconds=10.0,
        notes={"service": "shop", "source": "outside", "rate": "98", "rate_asked": "100", "missed": "0"},
    )


def data_of(page: str) -> dict[str, Any]:
    """The data in a page, as a browser reads it."""
    (text,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    data: dict[str, Any] = json.loads(text)
    return data


def stacks_of(data: dict[str, Any]) -> Counter[tuple[tuple[int, ...], int]]:
    """What each stack, root first, and thread have together."""
    path: list[int] = []
    stacks = []
    for depth, function in zip(data["depths"], data["calls"], strict=True):
        path[max(0, depth - 1) :] = [function] if depth else []
        stacks.append(tuple(path))
    found: Counter[tuple[tuple[int, ...], int]] = Counter()
    for node, value, thread in zip(data["nodes"], data["values"], data["sampleThreads"], strict=True):
        found[stacks[node], thread] += value
    return found


def test_every_stack_is_in_the_page() -> None:
    """With its thread and its value; lines apart, equal stacks of a thread are one."""
    expected = Counter(
        {((RUN, MAIN, HOT), 0): 600, ((RUN, MAIN, LOADS), 1): 300, ((LOADS, HOT, HOT), 1): 100},
    )
    assert stacks_of(data_of(render(profile()))) == expected


def test_what_stacks_begin_with_alike_is_there_once() -> None:
    """So a hundred thousand of them are a few megabytes."""
    data = data_of(render(profile()))
    assert len(data["depths"]) == len(data["calls"]) == 1 + 3 + 4


def test_a_stack_without_frames_ends_at_the_root() -> None:
    """A thread that ran no Python has its time, and no function."""
    bare = replace(profile(), samples=(Sample((), 0, 7, 1), Sample(((MAIN, 1),), 0, 3, 1)))
    assert stacks_of(data_of(render(bare))) == Counter({((), 0): 7, ((MAIN,), 0): 3})


def test_nothing_is_asked_of_a_network() -> None:
    """One file: no address in it, and the browser is told to load none."""
    page = render(profile())
    assert not re.search(r"https?:|//[a-z]+\.|@import|url\(| (?:src|href)=", page)
    assert "default-src 'none'" in page


def test_only_the_page_s_own_script_and_style_may_run() -> None:
    """The policy names them by what they hold; nothing inline is allowed beside them."""
    page = render(profile())
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
    for tag in ("script", "style"):
        (text,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("name", _HOSTILE)
def test_a_hostile_name_stays_a_name(name: str) -> None:
    """Fault 83."""
    page, plain = render(profile(name)), render(profile())
    assert data_of(page)["functions"][HOT][0] == name
    for mark in ("<", ">", "</script", "<!--"):
        assert page.count(mark) == plain.count(mark)


def test_a_hostile_service_stays_a_title() -> None:
    """Fault 83, where text stands outside the data."""
    named = replace(profile(), notes={"service": "</title><script>alert(1)</script>"})
    assert "<title>&lt;/title&gt;&lt;script&gt;alert(1)&lt;/script&gt;: flame graph</title>" in render(named)


def test_what_is_in_a_page_is_read_back() -> None:
    """A page is the usual form of a profile: it must not be an end."""
    found = reading.read(render(examples.profile("</script>")).encode())
    for counts in (False, True):
        assert examples.seen(found, counts=counts) == examples.seen(examples.profile("</script>"), counts=counts)
    for name in ("kind", "unit", "began", "seconds", "notes", "lines", "functions"):
        assert getattr(found, name) == getattr(examples.profile("</script>"), name)


@pytest.mark.parametrize(
    ("old", "new"), [('"depths":[0,', '"depths":[0,1,'), ('"counts":[', '"counts":[1,'), ('"unit"', '"x"')]
)
def test_a_page_that_was_broken_is_refused(old: str, new: str) -> None:
    """Fault 83."""
    with pytest.raises(NotAProfile):
        reading.read(render(examples.profile()).replace(old, new).encode())


def test_the_page_says_what_was_recorded() -> None:
    """When, how long, by whom, how often, and what was missed."""
    assert [fact[:2] for fact in facts(profile())] == [
        ("When", "2026-09-21 14:13:20 UTC"),
        ("Length", "10.0 s"),
        ("Read by", "py-spy"),
        ("Rate", "98 Hz"),
        ("Samples", "10"),
        ("Missed", "none"),
    ]


def test_the_page_leaves_out_what_is_not_known() -> None:
    """Another's profile says little of itself."""
    other = replace(profile(), began=0.0, seconds=0.0, notes={}, samples=(Sample(((MAIN, 1),), 0, 9, 0),))
    assert list(facts(other)) == []
    assert data_of(render(other))["service"] == "profile"


def test_the_page_warns_of_a_poor_recording() -> None:
    """Much was missed, or the rate was not reached."""
    poor = replace(profile(), notes={"rate": "40.4", "rate_asked": "100", "missed": "10"})
    assert [fact for fact in facts(poor) if fact[2]] == [
        ("Rate", "40 Hz of 100", True),
        ("Missed", "10 (50 %)", True),
    ]


@pytest.mark.needs("chromium")
@pytest.mark.parametrize("name", ["hot", "</script><b id=evil>"])
def test_a_browser_searches_it(tmp_path: Path, name: str) -> None:
    """The share of what a search matches, and the table beside the graph: 500 + 100 + 100 of 1,000."""
    shown = dom(tmp_path, render(profile(name)), "#search=pricing")
    assert text_of(shown, "matched") == "70 % matched in 1 function"
    assert table_of(shown)[0] == ["70 %", "70 %", name, "shop/pricing.py:80"]
    assert "<b id=" not in shown


@pytest.mark.needs("chromium")
def test_the_table_is_of_the_thread_that_is_chosen(tmp_path: Path) -> None:
    """As the graph is; recursion counts once."""
    shown = dom(tmp_path, render(profile()), "#only=t1")
    assert table_of(shown) == [
        ["75 %", "100 %", "loads", "json/decoder.py:343"],
        ["25 %", "25 %", "hot", "shop/pricing.py:80"],
    ]


@pytest.mark.needs("chromium")
@pytest.mark.parametrize(
    ("state", "card"),
    [
        ("", ["main", "self 0 %", "total 90 % 900 samples"]),
        ("&zoom=main", ["main", "self 0 %", "total 90 % 900 samples", "of what is shown 100 %"]),
        ("&inverted=1", ["main", "this way 60 % 600 samples", "self 0 %", "total 90 % 900 samples"]),
        ("&fold=1", ["main", "self 0 %", "total 90 % 900 samples"]),
    ],
)
def test_a_frame_says_what_it_is(tmp_path: Path, state: str, card: list[str]) -> None:
    """Its function, its own time and the whole, in each form of the graph."""
    shown = text_of(dom(tmp_path, render(profile()), f"#focus=main{state}"), "card")
    assert all(part in shown for part in card), shown


@pytest.mark.needs("chromium")
def test_the_keyboard_reaches_every_frame(tmp_path: Path) -> None:
    """Arrows walk and what they reach is told; Enter zooms, Escape resets, / searches."""
    page = re.sub("<meta http-equiv[^>]*>", "", render(profile()))
    driven = page.replace("</body>", f"<script>{(_PROGRAMS / 'walk.js').read_text()}</script></body>")
    (title,) = re.findall(r"<title>(.*?)</title>", dom(tmp_path, driven, ""))
    *told, zoomed, reset, focus = html.unescape(title).split(";")
    assert [text.split(",")[0] for text in told] == ["run", "main", "hot", "main", "run"]
    assert (zoomed, reset, focus) == (f"#at={RUN}.{MAIN}", "", "search")


@pytest.mark.needs("chromium")
@pytest.mark.parametrize(
    ("state", "card"),
    [
        (
            "#focus=hot",
            ["hot", "self 60 % → 0 % −60 points", "total 60 % → 0 %", "self, everywhere 70 % → 0 % −70 points"],
        ),
        (
            "#focus=main&inverted=1",
            ["main", "this way 30 % → 100 % +70 points", "total, everywhere 90 % → 100 % +10 points"],
        ),
        ("#focus=run&width=before", ["run", "self 0 % → 0 % ±0.0 points", "total 90 % → 0 % −90 points"]),
    ],
)
def test_a_frame_of_a_difference_says_what_it_was_and_is(tmp_path: Path, state: str, card: list[str]) -> None:
    """Shares of each side's own whole, in each form of the graph; what changed most stands at the top."""
    shown = dom(tmp_path, render_difference(Comparison(hot(), cold())), state)
    assert all(part in text_of(shown, "card") for part in card), text_of(shown, "card")
    assert text_of(shown, "headline") == "hot (shop/pricing.py:80) is gone: it had 70 % of the CPU time itself"
    assert table_of(shown)[0] == ["−70", "70 % → 0 %", "hot", "shop/pricing.py:80"]


@pytest.mark.needs("chromium")
@pytest.mark.slow
def test_a_hundred_thousand_stacks_are_drawn(tmp_path: Path) -> None:
    """All that a busy hour brings can be opened."""
    ways = [(a, b, c) for a in range(50) for b in range(50) for c in range(40)]
    many = replace(
        profile(),
        functions=tuple(Function(f"f{n}", "/srv/shop/many.py", Origin.SERVICE) for n in range(50)),
        samples=tuple(Sample(tuple((n, 1) for n in way), way[0] % 2, 1, 1) for way in ways),
    )
    assert text_of(dom(tmp_path, render(many), "#search=f7"), "matched").endswith("matched in 1 function")


def text_of(shown: str, name: str) -> str:
    """The text of the element with an id, a blank between its parts."""
    ((_, found),) = re.findall(rf'<(\w+)[^>]* id="{name}"[^>]*>(.*?)</\1>', shown, re.DOTALL)
    return _plain(found)


def table_of(shown: str) -> list[list[str]]:
    """The rows of the hottest functions: self, total, function, where."""
    rows = re.findall(r"<tr [^>]*data-fn.*?</tr>", shown, re.DOTALL)
    parts = r"<td[^>]*>([^<]*)</td><td[^>]*>([^<]*)</td>.*?<button[^>]*>(.*?)</button>.*?<span title[^>]*>(.*?)</span>"
    return [[_plain(part) for part in found] for row in rows for found in re.findall(parts, row, re.DOTALL)]


def _plain(markup: str) -> str:
    text = re.sub(r"<[^>]*>", " ", re.sub(r"<wbr>", "", markup))
    return html.unescape(re.sub(r"\s+", " ", text)).strip()
