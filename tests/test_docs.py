"""The documentation: its links lead somewhere, its pages have one form."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
VERBS = sorted((ROOT / "docs" / "verbs").glob("*.md"))


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """A page that moved takes its readers along; headings too."""
    dead = []
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        path, _, anchor = link.partition("#")
        if "://" in link:
            continue
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in _anchors(target)):
            dead.append(link)
    assert not dead


@pytest.mark.parametrize("page", VERBS, ids=lambda page: page.stem)
def test_a_verbs_page_has_the_form_of_the_others(page: Path) -> None:
    """Whoever has read one page finds their way in all."""
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"# pyrometer {page.stem}\n")
    assert f"## Usage\n\n```\npyrometer {page.stem}" in text
    order = ["Usage", "Options", "What it does", "What it prints", "JSON", "Exit status"]
    headings = [heading for heading in re.findall(r"^## (.+)$", text, re.MULTILINE) if heading in order]
    assert headings == sorted(headings, key=order.index)


def test_every_verb_is_in_the_list() -> None:
    """The index of the documentation names each page of a verb."""
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    assert [page.stem for page in VERBS if f"(verbs/{page.name})" not in index] == []
