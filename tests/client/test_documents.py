from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyrometer.client import documents

_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=50)
@given(document=st.dictionaries(st.text().filter(lambda key: key != "schema"), _values))
def test_a_document_is_printed_as_it_is(document: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    """How it is laid out is for people; programs read the same."""
    capsys.readouterr()
    documents.print_json("ps", document)
    assert json.loads(capsys.readouterr().out) == {"schema": "pyrometer.ps/v1", **document}


def test_what_holds_no_other_object_is_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """A frame is a line: a thread's stack fits on a screen."""
    documents.print_json("dump", {"frames": [{"function": "pay", "line": 3}, {"function": "main", "line": 9}]})
    assert '    {"function": "pay", "line": 3},\n    {"function": "main", "line": 9}\n' in capsys.readouterr().out
