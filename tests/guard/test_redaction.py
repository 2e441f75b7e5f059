from __future__ import annotations

import json
import re
import urllib.parse

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrometer.guard import texts
from pyrometer.guard.patterns import compile_pattern
from pyrometer.guard.policy import Policy
from pyrometer.guard.redaction import MAX_VERDICTS, Redactor

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nIBAAKC\n-----END RSA PRIVATE KEY-----"

SHAPES = [
    (JWT, "JWT"),
    ("session=" + JWT[:60], "JWT"),
    (PEM, "PEM"),
    ("-----BEGIN PRIVATE KEY-----\nMIIEow cut here", "PEM"),
    ("-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blbn", "PEM"),
    ("AKIAIOSFODNN7EXAMPLE", "AWS key"),
    ("id ASIAIOSFODNN7EXAMPLE.", "AWS key"),
    ("ghp_" + "a1" * 18, "GitHub token"),
    ("github_pat_" + "a1" * 30, "GitHub token"),
    ("xoxb-123456789012-abcdef", "Slack token"),
    ("https://hooks.slack.com/services/T00/B00/XXXX", "Slack token"),
    ("sk_live_4eC39HqLyjWDarjtT1zdp7dc", "Stripe key"),
    ("rk_test_4eC39HqLyjWDarjtT1zdp7dc", "Stripe key"),
    ("whsec_" + "a1" * 16, "Stripe key"),
    ("AIza" + "a1" * 18, "API key"),
    ("sk-proj-" + "a1" * 18, "API key"),
    ("glpat-" + "a1" * 10, "API key"),
    ("SG." + "a1" * 11 + "." + "b2" * 20, "API key"),
    ("postgres://shop:hunter2@db/shop", "URL userinfo"),
    ("https://" + "a1" * 16 + "@sentry.example.org/1", "URL userinfo"),
    ("Bearer abcdef0123456789", "credentials"),
    ("proxy says Basic dXNlcjpwYXNzd29yZA==", "credentials"),
    ("4111 1111 1111 1111", "card number"),
    ("order 7 4111-1111-1111-1111 paid", "card number"),
    ("card 378282246310005.", "card number"),
    ("5555555555554444", "card number"),
]

NAMED = [
    ('{"user": "bob", "password": "hun\\"ter2", "n": 1}', '{"user": "bob", "password": <redacted: name>, "n": 1}'),
    ('{\\"password\\": \\"hunter2\\", \\"n\\": 1}', '{\\"password\\": <redacted: name>, \\"n\\": 1}'),
    ("{'token': 'x', 'n': 1}", "{'token': <redacted: name>, 'n': 1}"),
    ("{'credentials': {'user': 'x', 'key': 'y'}}", "{'credentials': <redacted: name>"),
    ("/reset?token=abc&next=/", "/reset?token=<redacted: name>&next=/"),
    ("Authorization: Digest a=b, c=d\r\nHost: x", "Authorization: <redacted: name>\r\nHost: x"),
    ("Cookie: a=1; b=2", "Cookie: <redacted: name>"),
    ("UPDATE users SET password = 'x' WHERE id = 1", "UPDATE users SET password = <redacted: name> WHERE id = 1"),
    ("mysql --password hunter2 --host db", "mysql --password <redacted: name> --host db"),
    ("password => hunter2", "password => <redacted: name>"),
    ("db.password: hunter2", "db.password: <redacted: name>"),
    ("--token x password=y", "--token <redacted: name> password=<redacted: name>"),
    ("password=?hunter2", "password=<redacted: name>"),
]

INNOCENT = [
    "",
    "bob@example.org",
    "2026-11-24T08:43:51.202+01:00",
    "SELECT id FROM users WHERE password = %s AND token = ?",
    "UPDATE users SET password = :password, token = $1",
    "password={password}",
    'password=""',
    "password: None",
    "https://example.org:8080/path/@handle?page=2",
    "postgres://shop:***@db/shop",
    "Basic authentication is required",
    "4111 1111 1111 1112",
    "1234567890123456",
    "0.4111111111111111",
    "1764000000000000000",
    "550e8400-e29b-41d4-a716-446655440000",
    "token_count=3, public_key=x",
    "task-1 sk-1 asia basic eyJ SG. AKIA",
    "-----BEGIN CERTIFICATE-----\nMIID",
    "shop.errors: invalid literal for int() with base 10: 'x'",
]


@pytest.mark.parametrize(("text", "rule"), SHAPES)
def test_a_secret_is_told_by_its_shape(text: str, rule: str) -> None:
    """Fault 53: a secret under an innocent name is withheld where its looks give it away."""
    assert Redactor().secret_in(text) == rule
    assert Redactor().secret_in(f"some words before {text} and behind") == rule


@pytest.mark.parametrize(("text", "rule"), SHAPES)
def test_a_secret_in_a_text_is_replaced_by_its_rule(text: str, rule: str) -> None:
    """Log lines and messages keep what is innocent; what was found is named."""
    cleaned = Redactor().clean(f"before, {text} and behind")
    assert f"<redacted: {rule}>" in cleaned
    assert cleaned.startswith("before, ")
    assert Redactor().secret_in(cleaned) is None


@pytest.mark.parametrize(("text", "cleaned"), NAMED)
def test_a_value_that_a_text_gives_to_a_secret_name_is_withheld(text: str, cleaned: str) -> None:
    """Fault 53: nested JSON, SQL, queries, headers, command lines."""
    assert Redactor().secret_in(text) == "named secret"
    assert Redactor().clean(text) == cleaned


@pytest.mark.parametrize("text", INNOCENT)
def test_an_innocent_text_is_shown(text: str) -> None:
    """Placeholders, dates, identifiers and prose are what people look for."""
    assert Redactor().secret_in(text) is None
    assert Redactor().clean(text) == text


@pytest.mark.parametrize("number", [4111111111111111, 378282246310005, 6011111111111117])
def test_a_card_number_is_told_in_an_int_too(number: int) -> None:
    """A number needs no quotes to be a secret."""
    assert Redactor().secret_number(number) == "card number"
    assert Redactor().secret_number(number + 1) is None
    assert Redactor().secret_number(-number) is None


def test_what_runs_into_the_cut_is_seen_in_the_margin() -> None:
    """A secret of which only the head would be shown is withheld all the same."""
    text = "x" * 250 + " " + JWT
    assert Redactor().secret_in(text[: 256 + texts.MARGIN]) == "JWT"


def test_the_owner_adds_names_and_patterns() -> None:
    """The policy file adds to redaction; nothing takes from it."""
    redactor = Redactor.from_policy(
        Policy(redact_names=("patient_id", "Wohnort"), redact_patterns=(r"\bACME-\d{6}\b",))
    )
    assert redactor.name("patientId")
    assert redactor.name("the_wohnort")
    assert redactor.name("password")
    assert not redactor.name("id_patient")
    assert redactor.secret_in("case ACME-123456") == "policy"
    assert redactor.secret_in("{'patient_id': 7}") == "named secret"
    assert (
        redactor.clean("case ACME-123456 of patient_id=7") == "case <redacted: policy> of patient_id=<redacted: name>"
    )


def test_the_owners_patterns_apply_to_numbers() -> None:
    """Personnel numbers are ints."""
    redactor = Redactor((), (r"\b77\d{4}\b",))
    assert redactor.secret_number(771234) == "policy"
    assert redactor.secret_number(781234) is None


@pytest.mark.parametrize("pattern", ["(", "a*", "(a+)+b", r"(\w+\s?)+$", "(?:(?:ab)*c)*d"])
def test_a_pattern_that_could_hang_or_hide_everything_is_refused(pattern: str) -> None:
    """Fault 57: a pattern runs in the service's thread."""
    with pytest.raises(ValueError, match=re.escape(repr(pattern))):
        compile_pattern(pattern)


@pytest.mark.parametrize("pattern", [r"\bACME-\d{6}\b", r"(?:ab|cd)+x", r"(?:\d{4}-){3}\d+", "[A-Z]{2,8}[0-9]+"])
def test_an_ordinary_pattern_is_taken(pattern: str) -> None:
    """Bounded repeats inside others are harmless."""
    assert compile_pattern(pattern).pattern == pattern


def test_verdicts_are_remembered_up_to_a_number() -> None:
    """Names come from dictionaries' keys too: a million of them must not stay in the service."""
    redactor = Redactor()
    for number in range(MAX_VERDICTS * 2):
        assert not redactor.name(f"key{number}")
    assert len(redactor.verdicts) <= MAX_VERDICTS


def test_a_command_line_is_redacted() -> None:
    """Fault 85: argv of a target is shown by `ps`, without what it should not have held."""
    argv = [
        *("serve", "--user", "bob", "--password", "hunter2", "--token=abc", "--token-file", "/run/token"),
        *("DB_PASSWORD=x", "--db", "postgres://u:p@h/x", "--secret", "--verbose", "-k", JWT),
    ]
    assert Redactor().argv(argv) == [
        *("serve", "--user", "bob", "--password", "<redacted: name>", "--token=<redacted: name>"),
        *("--token-file", "/run/token", "DB_PASSWORD=<redacted: name>", "--db"),
        *("postgres://<redacted: URL userinfo>@h/x", "--secret", "--verbose", "-k", "<redacted: JWT>"),
    ]


def test_a_command_line_is_bounded() -> None:
    """A megabyte of arguments is nobody's business."""
    assert len(Redactor().argv(["x" * 1_000_000])[0]) < 5000
    assert len(Redactor().argv(["x"] * 5000)) == 1000


def test_every_mark_of_a_shape_is_among_those_that_are_looked_for() -> None:
    """The quick test and the list of shapes are written down twice: they must agree."""
    for shape in texts._SHAPES:
        for mark in shape.marks:
            assert texts._has_mark(f"a-b_c.d://{mark}" if shape.rule != "URL userinfo" else mark), mark


def test_our_own_patterns_would_be_taken_from_an_owner() -> None:
    """Fault 57: what we refuse of others, we don't do ourselves."""
    for shape in texts._SHAPES:
        assert compile_pattern(shape.pattern.source)
    for pattern in (texts._DIGITS, texts._CARD, texts._PAIR, texts._OPTION):
        assert compile_pattern(pattern.source)


_SECRETS = st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=0x2FF), min_size=6, max_size=20)
_OTHERS = st.dictionaries(st.sampled_from(["user", "id", "note"]), st.text(max_size=10) | st.integers(), max_size=3)


@given(_OTHERS, _SECRETS, st.sampled_from(["password", "api_key", "dbPassword", "Authorization"]))
@settings(max_examples=300)
def test_no_way_of_writing_down_a_dictionary_leaks(others: dict[str, object], secret: str, name: str) -> None:
    """Fault 53: quotes, backslashes and nesting in a secret do not end it early."""
    document = {**others, name: f"{secret}Zq9", "tail": 1}
    written = json.dumps(document)
    for text in (
        *(written, json.dumps(document, ensure_ascii=False), json.dumps(written), json.dumps({"payload": written})),
        *(repr(document), repr([document]), repr(repr(document)), urllib.parse.urlencode(document)),
        f"failed for {name}={document[name]!r}, sorry",
    ):
        assert "Zq9" not in Redactor().clean(text)
        assert Redactor().secret_in(text)


@given(st.text(max_size=300))
@settings(max_examples=300)
def test_any_text_can_be_asked(text: str) -> None:
    """Fault 47: whatever characters, no error; what was cleaned once stays as it is."""
    redactor = Redactor()
    redactor.secret_in(text)
    assert redactor.clean(redactor.clean(text)) == redactor.clean(text)
