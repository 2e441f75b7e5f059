from __future__ import annotations

import pytest
from tests.guard.names import INNOCENT, SECRET, SENTRYS

from pyrometer.guard import patterns
from pyrometer.guard.names import MAX_NAME, has_phrase, is_secret, words_of


@pytest.fixture(autouse=True)
def _prepared() -> None:
    patterns.prepare()


@pytest.mark.parametrize("name", SECRET)
def test_a_secret_name_is_told(name: str) -> None:
    """Fault 53: what people call their secrets is withheld, in whatever case and company."""
    assert is_secret(name)


@pytest.mark.parametrize("name", INNOCENT)
def test_an_innocent_name_is_shown(name: str) -> None:
    """A debugger that withholds `tokenizer` and `public_key` is of no use."""
    assert not is_secret(name)


@pytest.mark.parametrize("name", SENTRYS)
def test_what_others_withhold_is_withheld(name: str) -> None:
    """Nobody who comes from another tool finds a secret that it hid."""
    assert is_secret(name)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("dbPassword2", ["db", "password", "2"]),
        ("AWS_SECRET_ACCESS_KEY", ["aws", "secret", "access", "key"]),
        ("XMLHttpRequest", ["xml", "http", "request"]),
        ("X-Api-Key", ["x", "api", "key"]),
        ("connect.sid", ["connect", "sid"]),
        ("", []),
    ],
)
def test_names_are_split_into_words(name: str, words: list[str]) -> None:
    """Case, digits and anything that is no letter part words."""
    assert words_of(name) == words


def test_a_long_name_is_looked_at_in_part() -> None:
    """Fault 42: a name of a megabyte costs what a long one costs."""
    assert is_secret("password_" + "x" * 1_000_000)
    assert not is_secret("x" * MAX_NAME + "_password")


def test_a_phrase_is_found_in_its_order_only() -> None:
    """`patient_id` withholds `the_patient_id`, not `id_of_patient`."""
    assert has_phrase(["the", "patient", "id"], ("patient", "id"))
    assert not has_phrase(["id", "of", "patient"], ("patient", "id"))
