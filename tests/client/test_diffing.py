"""`diff`: two files, two parts of one, and what cannot be compared."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.client.profile import examples
from tests.client.profile.test_comparison import cold, hot
from tests.support import schemas

from pyrometer.client.command import run
from pyrometer.client.profile import collapsed, flamegraph, speedscope


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with profiles in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hot.json").write_bytes(speedscope.write(hot()))
    (tmp_path / "cold.txt").write_bytes(collapsed.write(cold()))
    (tmp_path / "cold.html").write_text(flamegraph.render(cold()), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("after", ["cold.txt", "cold.html"])
def test_the_first_line_says_what_changed(folder: Path, after: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever forms the two have; and there is a flame graph."""
    assert run(["diff", "hot.json", after, "--out", "both.html"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("hot (shop/pricing.py:80) is gone: it had 70 % of the ")
    assert "both.html" in err
    assert (folder / "both.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_its_document_is_what_the_schema_says(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And a file is named where none was asked for."""
    assert run(["diff", "hot.json", "cold.html", "-o", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    schemas.validate("diff", document)
    assert (document["changes"][0]["function"], document["changes"][0]["self_points"]) == ("hot", -70.0)
    assert Path(document["file"]).exists()


def test_two_processes_of_one_file_are_compared(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An option given twice is the one for A, the other for B."""
    assert run(["diff", "hot.json", "--pid", "4107", "--pid", "4108", "--out", "both.html", "-o", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["before"]["pid"], document["after"]["pid"]) == (4107, 4108)
    assert document["headline"].startswith("loads (/opt/odd/json/decoder.py:343) is new: it has 75 %")


def test_two_threads_of_two_files_are_compared(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An option given once is for both."""
    assert run(["diff", "hot.json", "cold.html", "--thread", "4109", "--out", "both.html", "-o", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["before"]["thread"], document["after"]["thread"]) == ("4109", "4109")
    assert document["changes"][0]["self_points"] == pytest.approx(-25.0)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["hot.json"], 2, "--pid 4107 --pid 4108"),
        (["hot.json", "--pid", "4107", "--pid", "4107"], 2, "--pid 4107 --pid 4108"),
        (["hot.json", "cold.txt", *["--pid", "1"] * 3], 2, "3 times"),
        (["hot.json", "nowhere"], 1, "No such file"),
        (["hot.json", "cold.txt", "--pid", "7"], 3, "It has: 4107, 4108"),
        (["hot.json", "both.html"], 1, "the page of a difference"),
        (["hot.json", "cold.txt", "--out", "nowhere/both.html"], 1, "there is no folder"),
    ],
)
def test_what_cannot_be_compared_is_said_with_what_can(
    folder: Path, arguments: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A usage fault, a file that is none, a process that is not there."""
    if "both.html" in arguments:
        run(["diff", "hot.json", "cold.txt", "--out", "both.html"])
    assert run(["diff", *arguments]) == code
    err = capsys.readouterr().err
    assert said in err
    assert "Traceback" not in err


def test_a_hostile_name_cannot_command_the_terminal(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Fault 83: neither by a function's name nor by a command's."""
    (folder / "bad.json").write_bytes(speedscope.write(examples.profile("\x1b[2J</script>")))
    assert run(["diff", "bad.json", "cold.txt", "--out", "both.html"]) == 0
    assert "\x1b" not in "".join(capsys.readouterr())
    assert '</script>"' not in (folder / "both.html").read_text(encoding="utf-8")
