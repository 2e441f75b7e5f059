"""The command line as a whole: its list of verbs, its colours."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest
from tests.support.services import pyrometer as typed

from pyrometer.client import bridge, session
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


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["ps", "-o", "xml"], "'xml' is not one of 'table', 'json'"),
        (["ps", "--pid", "9" * 20], "whole number from 1 to"),
        (["catch", "shop"], "missing argument 'EXCEPTION'"),
        (["record", "-d", "nan"], "'nan' is not a time"),
        (["dump", "-1"], "no such option '-1'"),
        (["completion", "tcsh"], "'tcsh' is not one of 'bash', 'zsh', 'fish'"),
        (["ps", "docker:"], "a container's name or id is missing"),
        (["ps", "pid:x"], "'x' is not a process id"),
        (["run"], "run needs a command"),
        (["run", "--servic", "x", "--", "true"], "run has no option --servic"),
        (["run", "--service", "a b/c", "--", "true"], "a service's name has letters"),
        (["demo", "--service", "12"], "is no number"),
        (["ps", "shop", "-c", "app"], "-c app is for k8s: targets"),
        (["dump", "ssh:web1", "--context", "prod"], "--context prod is for k8s: targets"),
    ],
)
def test_wrong_words_have_one_form(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What is wrong in a line, then what to type next; exit code 2, and nothing on stdout."""
    assert run(words) == 2
    printed = capsys.readouterr()
    first, *rest = printed.err.splitlines()
    assert first.startswith("pyrometer: ")
    assert said in first
    assert rest
    assert all(line.startswith("  ") for line in rest)
    assert not printed.out


def test_no_words_at_all_are_answered_with_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2, and the verbs, on stderr: nothing was done."""
    assert run([]) == 2
    printed = capsys.readouterr()
    assert "Verbs:" in printed.err
    assert not printed.out


def test_a_socket_that_is_not_there_is_not_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 3, in our words, with the command that makes one; a file that nobody listens on too."""
    stale = tmp_path / "stale.sock"
    stale.touch()
    for path in (tmp_path / "none.sock", stale):
        assert run(["ps", f"unix:{path}"]) == 3
        assert f"pyrometer serve --listen unix:{path}" in capsys.readouterr().err


def test_run_ends_as_a_shell_does_where_there_is_no_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """127 for one that is not there, 126 for one that can't be run: what starts services knows these."""
    (tmp_path / "plain").write_text("not a program")
    for name, code in [("no-such-command", 127), (f"{tmp_path}/absent", 127), (f"{tmp_path}/plain", 126)]:
        assert run(["run", "--", name]) == code
        assert name in capsys.readouterr().err


def closed(number: int, *words: str) -> subprocess.CompletedProcess[bytes]:
    """Type a command with one of the three streams closed; what the others said."""
    command = [sys.executable, "-m", "pyrometer.client", *words]
    inner = "import os, sys; os.close(int(sys.argv[1])); os.execv(sys.argv[2], sys.argv[2:])"
    return subprocess.run([sys.executable, "-c", inner, str(number), *command], capture_output=True, check=False)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_stream_that_is_closed_is_no_defect(number: int) -> None:
    """Daemons and careless scripts close them: the command does its work, and says what it has to say where it can."""
    done = closed(number, "--version")
    assert done.returncode == 0
    assert (b"version" in done.stdout) is (number != 1)
    assert b"Traceback" not in done.stderr
    assert b"defect" not in done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_an_encoding_that_lacks_a_sign_gets_another_one(encoding: str) -> None:
    """A terminal of yesterday shows question marks, and everything else."""
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    command = [sys.executable, "-m", "pyrometer.client", "run", "--help"]
    done = subprocess.run(command, capture_output=True, check=False, env=environment)
    assert done.returncode == 0
    assert b"pyrometer run [OPTIONS] -- CMD" in done.stdout
    assert done.stderr == b""


def test_an_interrupt_in_the_middle_of_an_import_shows_no_traceback() -> None:
    """Importing takes a tenth of a second, and people press ctrl-C at once: it ends as any program does."""
    inner = """if True:
        import os, signal, sys
        def interrupt(event, arguments):
            if event == "import" and arguments[0] == "click":
                os.kill(os.getpid(), signal.SIGINT)
        sys.addaudithook(interrupt)
        sys.argv = ["pyrometer", "--version"]
        from pyrometer.client.__main__ import main
        main()
    """
    done = subprocess.run([sys.executable, "-c", inner], capture_output=True, check=False)
    assert done.returncode == -signal.SIGINT
    assert done.stderr == b""


def test_an_interrupt_while_grpc_is_imported_ends_the_carrier(monkeypatch: pytest.MonkeyPatch) -> None:
    """An ssh that waits for an answer would else stay behind."""

    def interrupted() -> NoReturn:
        raise KeyboardInterrupt

    started: list[bridge.Bridge] = []
    start = bridge.start
    monkeypatch.setattr(bridge, "start", lambda *arguments: started.append(start(*arguments)) or started[-1])
    monkeypatch.setattr(session, "_import_grpc", interrupted)
    assert run(["ps"]) == 130
    assert [each.ended for each in started] == [True]
