"""The schemas, and that the examples of the documentation keep to them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator, ValidationError

from tests.support import schemas

DOCS = Path(__file__).parents[1] / "docs"
SCHEMA_OF = {"snap": "events", "log": "events", "watch": "events", "catch": "events"}


def _examples() -> list[tuple[str, str]]:
    """Name of the document and text of every JSON example; of `jsonl` each line."""
    found = []
    for page in sorted(DOCS.rglob("*.md")):
        for kind, block in re.findall(r"^```(jsonl?)\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE):
            found += [(page.name, text) for text in (block.splitlines() if kind == "jsonl" else [block])]
    return found


@pytest.mark.parametrize("name", schemas.NAMES)
def test_schemas_are_schemas(name: str) -> None:
    """A schema with a slip in it would accept anything."""
    Draft202012Validator.check_schema(schemas.load(name))


@pytest.mark.parametrize(("page", "text"), _examples())
def test_examples_keep_to_their_schema(page: str, text: str) -> None:
    """What the documentation shows is what the program prints."""
    document = json.loads(text)
    verb = document["schema"].removeprefix("pyrometer.").removesuffix("/v1")
    schemas.validate(SCHEMA_OF.get(verb, verb), document)


def test_a_key_that_no_schema_names_is_noticed() -> None:
    """What we print is documented: a new key goes into the schema first."""
    with pytest.raises(ValidationError, match="surprise"):
        schemas.validate("ps", {"schema": "pyrometer.ps/v1", "processes": [], "errors": [], "surprise": 1})


def test_a_redacted_value_has_no_content() -> None:
    """The schema itself forbids a value beside `redacted`."""
    value = {"type": "str", "kind": "redacted", "why": "name", "value": "hunter2"}
    frame = {"function": "f", "file": "f.py", "line": 1, "locals": {"password": value}}
    hit = {"schema": "pyrometer.catch/v1", "event": "hit", "probe_id": "p", "pid": 1, "hit_id": "1", "thread": "T"}
    rest = {"time": "2026-11-24T08:43:51Z", "expressions": {}, "exception": None, "trace_id": None}
    with pytest.raises(ValidationError):
        schemas.validate("events", {**hit, **rest, "frames": [frame]})
    del value["value"]
    schemas.validate("events", {**hit, **rest, "frames": [frame]})
