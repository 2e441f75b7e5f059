"""The command line as a whole: its list of verbs, its colours."""

from __future__ import annotations

import pytest
from tests.support.services import pyrometer as typed

from pyrometer.client.command import VERBS, Verbs, run


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_that_is_listed_is_there(verb: str) -> None:
    """What does not work yet is not in `--help`; what is in it can be asked for help itself."""
    command = Verbs().get_command(None, verb)  # type: ignore[arg-type]
    assert command is not None
    assert command.name == verb
    assert run([verb, "--help"]) == 0


def test_a_verb_that_is_misspelt_is_guessed(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2, and what was probably meant."""
    assert run(["dmup"]) == 2
    assert "Did you mean dump?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("environment", "coloured"),
    [({}, False), ({"FORCE_COLOR": "1"}, True), ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False)],
)
def test_colours_are_for_terminals_and_for_those_who_ask(environment: dict[str, str], coloured: bool) -> None:  # noqa: FBT001
    """NO_COLOR is stronger than FORCE_COLOR; a pipe gets none by itself."""
    without = {"FORCE_COLOR": "", "NO_COLOR": ""}
    assert ("\x1b[" in typed("ps", **{**without, **environment}).out) is coloured
