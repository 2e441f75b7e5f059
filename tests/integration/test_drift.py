"""A deploy over a service that runs on: no wrong line is probed or shown. Fault 30."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.schemas import validate
from tests.support.services import program, pyrometer

CODE = """def total(items):
    found = 0
    for item in items:
        found += item
    return found
"""


def test_a_deploy_over_a_running_service(unique: str, tmp_path: Path) -> None:
    """Refused with what to do, then taken with `--force`; the result says that the file is another."""
    file = tmp_path / "cart.py"
    file.write_text(CODE)
    with program("deployed", str(file), unique):
        as_it_was = pyrometer("snap", unique, "cart.py:5", "--for", "30s", "-o", "jsonl")
        assert as_it_was.code == 0, as_it_was.err
        file.write_text(f"import decimal\n\n{CODE}")
        refused = pyrometer("snap", unique, "cart.py:5")
        forced = pyrometer("snap", unique, "cart.py:5", "--force", "--for", "30s", "-o", "jsonl")
        shown = pyrometer("snap", unique, "cart:total", "--for", "30s")
        dumped = pyrometer("dump", unique, "-o", "json")
    (hit,) = hits(as_it_was.out)
    assert (hit["changed_files"], hit["frames"][0]["source"]) == ([], "return found")
    assert refused.code == 2
    assert "changed after it was loaded" in refused.err
    assert "--force" in refused.err
    (hit,) = hits(forced.out)
    assert hit["changed_files"] == [str(file)]
    assert hit["frames"][0]["locals"]["found"]["value"] == 3
    assert (hit["frames"][0]["source"], hit["frames"][0].get("context")) == (None, None)
    assert hit["frames"][1]["source"] == "cart.total([1, 2])"
    assert "its lines are not shown" in shown.out
    validate("dump", dumped.document)


def hits(lines: str) -> list[dict[str, object]]:
    events = [json.loads(line) for line in lines.splitlines()]
    for event in events:
        validate("events", event)
    return [event for event in events if event["event"] == "hit"]
