"""The pages of the documentation against the command line that they describe."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from pyrometer.client.command import VERBS, Verbs

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
_OPTION = re.compile(r"(?<![\w-])--?[a-z][a-z-]*")
_BLOCK = re.compile(r"^(?:## (?P<heading>[^\n]+)|```(?P<kind>\w*)\n(?P<block>.*?)^```)", re.MULTILINE | re.DOTALL)


def command_of(verb: str) -> click.Command:
    found = Verbs().get_command(None, verb)  # type: ignore[arg-type]
    assert found is not None
    return found


def options_of(verb: str) -> dict[str, set[str]]:
    """Each option of a verb by its longest name, with all of its names."""
    options = (each for each in command_of(verb).params if isinstance(each, click.Option))
    return {max(each.opts, key=len): set(each.opts) for each in options}


def listed(page: str) -> dict[str, set[str]]:
    """The options in the tables of a page, in the same form: those in the first column, in code."""
    rows = re.findall(r"^\| `(-[^|`]+(?:`, `[^|`]+)*)` +\|", page.replace("\\|", "/"), re.MULTILINE)
    names = [set(_OPTION.findall(row)) for row in rows]
    return {max(each, key=len): each for each in names if each}


@pytest.fixture(scope="module")
def shared() -> dict[str, set[str]]:
    return listed((ROOT / "docs" / "targets.md").read_text(encoding="utf-8"))


@pytest.mark.parametrize("verb", VERBS)
def test_a_page_lists_the_options_that_its_verb_has(verb: str, shared: dict[str, set[str]]) -> None:
    """No more and no less; those of targets have a page of their own, to which the verb's page leads."""
    page = (ROOT / "docs" / "verbs" / f"{verb}.md").read_text(encoding="utf-8")
    there = options_of(verb)
    own = listed(page)
    elsewhere = shared if "and those of [targets](../targets.md)" in page else {}
    assert sorted([*own, *elsewhere]) == sorted(there)
    assert {name: names - there[name] for name, names in own.items() if names - there[name]} == {}
    assert {name: there[name] - names for name, names in own.items() if there[name] - names} == {}


@pytest.mark.parametrize("verb", VERBS)
def test_a_usage_names_only_options_that_there_are(verb: str) -> None:
    """What stands under Usage can be typed."""
    page = (ROOT / "docs" / "verbs" / f"{verb}.md").read_text(encoding="utf-8")
    usage = next(match["block"] for match in _BLOCK.finditer(page) if match["block"])
    there = {name for names in options_of(verb).values() for name in names}
    assert set(_OPTION.findall(usage)) <= there


def test_every_reason_is_in_the_table() -> None:
    """Programs match on reasons: one that the code has and the documentation lacks can't be relied on."""
    table = set(re.findall(r"`([A-Z][A-Z_]+)`", (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")))
    given = re.compile(r"\breason(?:: str)? = \"([A-Z][A-Z_]+)\"|\breason=\"([A-Z][A-Z_]+)\"")
    files = [path for side in ("agent", "client") for path in (ROOT / side).rglob("*.py")]
    found = {one or other for path in files for one, other in given.findall(path.read_text(encoding="utf-8"))}
    assert found
    assert found - table == set()


def typed_in(page: Path) -> Iterator[str]:
    """The command lines of ours in a page's blocks, but for its Usage."""
    heading = ""
    for match in _BLOCK.finditer(page.read_text(encoding="utf-8")):
        heading = match["heading"] or heading
        if not match["block"] or heading == "Usage":
            continue
        for line in match["block"].replace("\\\n", " ").splitlines():
            words = line.strip().removeprefix("$ ")
            if words.startswith("pyrometer ") and "--help shows" not in words:
                yield re.sub(r" > ~\S+$", "", words.partition("  #")[0])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_has_one_type_is_understood(page: Path) -> None:
    """A command line in the documentation is one that this version takes."""
    wrong = []
    for line in typed_in(page):
        verb, *rest = shlex.split(line)[1:]
        try:
            if verb != "--version":
                command_of(verb).make_context(verb, [word for word in rest if word != "…"])
        except (click.ClickException, AssertionError) as error:
            wrong.append(f"{line}: {error}")
    assert not wrong
