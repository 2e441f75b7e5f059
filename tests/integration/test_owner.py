"""The owner's word: the policy file, from inside the process, whatever a client asks for."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.support.services import program, pyrometer

pytestmark = pytest.mark.once


def snap(service: str, *more: str) -> tuple[int, dict[str, dict[str, object]], str]:
    """One hit's innermost variables."""
    typed = pyrometer("snap", service, "late.py:14", "--for", "20s", "-o", "jsonl", *more)
    hits = [event for event in map(json.loads, typed.out.splitlines()) if event["event"] == "hit"]
    return typed.code, hits[0]["frames"][0]["locals"] if hits else {}, typed.err


def test_names_of_the_owners_are_redacted_too(policy: Path, unique: str) -> None:
    """It adds to ours: `password` stays withheld without being named."""
    policy.write_text('[redact]\nnames = ["patient_id"]\n')
    with program("late", unique):
        code, variables, error = snap(unique)
    assert code == 0, error
    assert variables["patient_id"]["kind"] == "redacted"
    assert variables["password"]["kind"] == "redacted"
    assert variables["number"]["kind"] == "int"


def test_shape_lets_no_content_out(policy: Path, unique: str) -> None:
    """Types and sizes only; a condition would tell content bit by bit."""
    policy.write_text('values = "shape"\n')
    with program("late", unique):
        code, variables, error = snap(unique)
        assert snap(unique, "--if", "number > 3")[0] == 7
        assert snap(unique, "--expr", "number")[0] == 7
    assert code == 0, error
    assert "value" not in variables["number"]
    assert variables["number"]["type"] == "int"


def test_off_is_off_at_once(policy: Path, unique: str) -> None:
    """`enabled = false` is read at every accept; and it comes back."""
    with program("late", unique):
        assert snap(unique)[0] == 0
        policy.write_text("enabled = false\n")
        code, _, error = snap(unique)
        assert code == 7
        assert "turned pyrometer off" in error
        policy.write_text("")
        assert snap(unique)[0] == 0


def test_a_policy_that_can_not_be_read_serves_nothing(policy: Path, unique: str) -> None:
    """Malformed, or writable by others: exit 7, with words."""
    with program("late", unique):
        policy.write_text("enabled = maybe\n")
        assert snap(unique)[0] == 7
        policy.write_text("")
        policy.chmod(0o666)
        assert snap(unique)[0] == 7


def test_a_forbidden_module_is_not_probed(policy: Path, unique: str) -> None:
    """Neither its lines nor its values."""
    policy.write_text('[forbid]\nmodules = ["__main__"]\n')
    with program("late", unique):
        code, _, error = snap(unique)
    assert code == 7, error


def test_a_condition_over_a_secret_is_refused(unique: str) -> None:
    """Else it would be asked letter by letter."""
    with program("late", unique):
        typed = pyrometer("snap", unique, "late.py:14", "--if", "password == 'a'")
        assert typed.code == 7
        shown = snap(unique, "--expr", "password[:1]")
        assert shown[0] == 0


def test_whoever_reads_values_leaves_a_line(unique: str) -> None:
    """On the service's own stderr: who, what, where."""
    with program("late", unique) as process:
        assert snap(unique, "--if", "number > 0")[0] == 0
        process.kill()
        assert process.stderr is not None
        said = process.stderr.read()
    assert "armed by uid" in said
    assert "late.py:14 if number > 0" in said


@pytest.mark.parametrize(
    ("words", "verbs"),
    [
        ('[roles]\n"uid:{uid}" = "none"\n', ()),
        ('[roles]\n"uid:{uid}" = "view"\n', ("dump",)),
        ('[roles]\n"uid:{uid}" = "profile"\n', ("dump", "record")),
        ("", ("dump", "record", "snap")),
        ('[forbid]\nverbs = ["dump", "snap"]\n', ("record",)),
        ("enabled = false\n", ()),
    ],
)
def test_roles_and_forbidden_verbs(
    policy: Path, unique: str, tmp_path: Path, words: str, verbs: tuple[str, ...]
) -> None:
    """What is not given is refused, exit 7, and is not done from outside either."""
    policy.write_text(words.format(uid=os.geteuid()))
    profile = tmp_path / "profile"
    with program("late", unique):
        codes = {
            "dump": pyrometer("dump", unique, "-o", "json").code,
            "record": pyrometer("record", unique, "-d", "1s", "--mode", "wall", "--out", str(profile)).code,
            "snap": snap(unique)[0],
        }
    assert codes == {verb: 0 if verb in verbs else 7 for verb in codes}
    assert profile.exists() == ("record" in verbs)
