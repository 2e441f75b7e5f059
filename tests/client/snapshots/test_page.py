"""The page of a snapshot: complete without a script, offline, safe whatever a service holds."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from tests.client.snapshots.examples import COMMAND, call, hit, number, snapshot, text
from tests.support.browser import dom

from pyrometer.client.snapshots import reading
from pyrometer.client.snapshots.page import render

HOSTILE = [
    "</script><b id=evil>",
    "<!--<script>",
    "a&amp;b<img src=x onerror=alert(1)>",
    "\"' onmouseover='alert(1)",
    "\u202egnp.exe",
    "\x1b]52;c;ZXZpbA==\x07",
    "@SCRIPT@",
    "</title><style>*{}</style>",
]


class Outline(HTMLParser):
    """The elements of a page, and the text outside its scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._silent = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._silent = tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self._silent = False

    def handle_data(self, data: str) -> None:
        self.text += "" if self._silent else data


def test_all_of_a_hit_is_in_the_markup() -> None:
    """Title, handler, source, values, causes, what is not shown and why, and the command: no script is needed."""
    page = Outline(render(snapshot()))
    for words in (
        "card declined",
        "handled card declined",
        "order.total",
        "1249.5",
        "raise it",
        "x" * 300,
        "redacted (name)",
        "… 7 more: the rest was not copied, for the limit of items",
        "receipt",
        "caused by TimeoutError: card declined",
        "withheld in the process: 1 by name",
        COMMAND,
    ):
        assert words in page.text, words


def test_nothing_is_asked_of_a_network() -> None:
    """One file: no address in it, and the browser is told to load none."""
    page = render(snapshot())
    assert not re.search(r"https?:|//[a-z]+\.|@import|url\(| src=", page)
    assert "default-src 'none'" in page


def test_only_the_page_s_own_script_and_style_may_run() -> None:
    """The policy names them by what they hold."""
    page = render(snapshot())
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
    for tag in ("script", "style"):
        (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("words", HOSTILE)
def test_what_a_service_holds_stays_text(words: str) -> None:
    """Fault 83: wherever it stands, it makes no element, no attribute, no control."""
    page = render(snapshot(hit(words), words=words))
    found, plain = Outline(page), Outline(render(snapshot(hit("plain"), words="plain")))
    assert [tag for tag, _ in found.elements] == [tag for tag, _ in plain.elements]
    assert [sorted(attrs) for _, attrs in found.elements] == [sorted(attrs) for _, attrs in plain.elements]
    assert not set(page) & {"\x1b", "\x07", "\u202e"}
    assert reading.read(page.encode()).hits[0]["exception"]["message"] == words


def test_ids_are_unique_and_links_lead_somewhere() -> None:
    """Also with many hits, and where a file says the same number twice."""
    twice = hit(expressions={"a": {**text("a" * 200), "ref": 1}, "b": {**text("b" * 200), "ref": 1}})
    elements = Outline(render(snapshot(hit(), twice))).elements
    ids = [attrs["id"] for _, attrs in elements if attrs.get("id")]
    assert len(ids) == len(set(ids))
    links = {str(attrs["href"])[1:] for tag, attrs in elements if tag == "a"}
    assert links
    assert links <= set(ids)
    assert {str(attrs["aria-labelledby"]) for _, attrs in elements if "aria-labelledby" in attrs} <= set(ids)


def test_several_hits_are_listed_first() -> None:
    """A line each, which leads to it."""
    page = Outline(render(snapshot(hit(), hit(pid=4110, exception=None))))
    assert [attrs["href"] for tag, attrs in page.elements if tag == "a"][:2] == ["#hit-0", "#hit-1"]
    assert "before line 50 of srv/card declined.py" in page.text


def test_a_call_says_what_it_was_given_and_what_came_of_it() -> None:
    """Time, arguments, result."""
    page = Outline(render(snapshot(call(), call(returned=None), verb="watch")))
    for words in ("charge took 430.1 ms", "The call", "kettle", "R88001", "2 hits"):
        assert words in page.text, words


def test_log_lines_are_a_list_with_their_place_once() -> None:
    """They are all that there is of their hits."""
    lines = [hit(exception=None, message=f"order {number}") for number in range(3)]
    page = Outline(render(snapshot(*lines, verb="log")))
    assert [f"order {number}" in page.text for number in range(3)] == [True] * 3
    assert page.text.count("raise it") == 1


def test_a_value_that_is_deep_has_an_end() -> None:
    """A file may say anything."""
    deep = number(1)
    for _ in range(300):
        deep = {"type": "list", "kind": "list", "items": [deep, text("x" * 100)]}
    assert "<details" in render(snapshot(hit(expressions={"deep": deep})))


@pytest.mark.needs("chromium")
@pytest.mark.once
@pytest.mark.parametrize("words", ["card declined", HOSTILE[0]])
def test_a_browser_shows_it_and_a_link_unfolds_its_object(tmp_path: Path, words: str) -> None:
    """What is referred to is opened, the tools are there, and nothing of a value has become an element."""
    shown = dom(tmp_path, render(snapshot(hit(words))), "#hit-0-object-1")
    assert re.search(r'<details[^>]* id="hit-0-object-1"[^>]* open', shown)
    assert '<div id="tools" role="toolbar" aria-label="The page">' in shown
    assert "<b id=" not in shown


@pytest.mark.needs("chromium")
@pytest.mark.once
def test_keys_walk_from_frame_to_frame_and_unfold(tmp_path: Path) -> None:
    """j, j, k, then u: what a mouse can do, the keyboard can."""
    keys = "".join(f"document.dispatchEvent(new KeyboardEvent('keydown', {{key: '{key}'}}));" for key in "jjku")
    end = "document.title = document.activeElement.id + ' ' + document.querySelectorAll('details:not([open])').length;"
    page = re.sub("<meta http-equiv[^>]*>", "", render(snapshot()))
    shown = dom(tmp_path, page.replace("</body>", f"<script>{keys}{end}</script></body>"), "")
    assert "<title>hit-0-asked 0</title>" in shown
