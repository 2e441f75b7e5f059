"""The schemas of docs/schemas, to hold the program's output to them."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource

FOLDER = Path(__file__).parents[2] / "docs" / "schemas"
NAMES = tuple(sorted(path.name.removesuffix(".schema.json") for path in FOLDER.glob("*.schema.json")))


def validate(name: str, document: object) -> None:
    """Hold a document to a schema: "ps", "info", "why", "dump", "record", "events", "probes" or "doctor".

    A key that is not in it is an error here, though readers must ignore what they don't know.

    Raises:
        jsonschema.ValidationError: it is not what the schema says.
    """
    validator(name).validate(document)


@cache
def validator(name: str) -> Draft202012Validator:
    """The strict validator of a schema."""
    return Draft202012Validator(load(name), registry=_registry(), format_checker=FormatChecker())


def load(name: str) -> dict[str, Any]:
    """Read a schema, made strict."""
    schema: dict[str, Any] = json.loads((FOLDER / f"{name}.schema.json").read_text())
    return _strict(schema)


@cache
def _registry() -> Registry[Any]:
    resources = [(f"{name}.schema.json", Resource.from_contents(load(name))) for name in NAMES]
    return Registry().with_resources(resources)


def _strict(schema: Any) -> Any:
    """Close every object whose keys are listed. Parts of `if` and `then` only add to one that is closed already."""
    if isinstance(schema, list):
        return [_strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: part if key in ("if", "then", "allOf") else _strict(part) for key, part in schema.items()}
    if schema.get("type") == "object" and "properties" in schema:
        closed.setdefault("additionalProperties", False)
    return closed
