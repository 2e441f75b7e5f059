"""What shells are given to complete: verbs, options and targets, and no word that does more than name something."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.services import Typed, program
from tests.support.services import pyrometer as typed

SHELLS = ("bash", "zsh", "fish")


@pytest.fixture
def unique() -> str:
    """A service's name that no other test has."""
    return f"t{os.urandom(4).hex()}"


def asked(shell: str, *words: str) -> Typed:
    """Press the key behind these words, as a shell's script does: without arguments, by variables."""
    line = " ".join(["pyrometer", *words])
    at = words[-1] if shell == "fish" else str(len(words))
    return typed(_PYROMETER_COMPLETE=f"{shell}_complete", COMP_WORDS=line, COMP_CWORD=at)


def completed(shell: str, *words: str) -> set[str]:
    """The words that it is given."""
    done = asked(shell, *words)
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    return set(lines[1::3]) if shell == "zsh" else {line.partition(",")[2].partition("\t")[0] for line in lines}


@pytest.mark.parametrize("shell", SHELLS)
def test_verbs_and_options_are_completed(shell: str) -> None:
    """Those that begin so, and nothing of the help."""
    assert completed(shell, "du") == {"dump"}
    assert completed(shell, "co") == {"completion"}
    assert completed(shell, "ps", "--ag") == {"--agents"}
    assert completed(shell, "dump", "-o", "js") == {"json"}


@pytest.mark.parametrize("shell", SHELLS)
def test_targets_are_completed(shell: str, unique: str) -> None:
    """Services and pids of this machine, and the forms of what is elsewhere."""
    with program("idle", unique) as process:
        assert completed(shell, "dump", unique[:-2]) == {unique}
        assert str(process.pid) in completed(shell, "dump", str(process.pid))
    assert {form.replace("\\:", ":") for form in completed(shell, "ps", "ss")} == {"ssh:"}


@contextlib.contextmanager
def claimed(name: str) -> Iterator[None]:
    """Bind a name as an agent does; any user may."""
    namespace = Path("/proc/self/ns/pid").stat().st_ino
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(f"\0pyrometer.{namespace}.{os.getpid()}.deadbeef.{name}")
        sock.listen(1)
        yield


HOSTILE = (
    ";touch${IFS}x;#",
    "$(id)",
    "`id`",
    "'",
    '"',
    "\\",
    "|id",
    "&",
    ">x",
    "\x1b[31m",
    "*",
    "{a,b}",
    "é",
    " x",
    "\nx",
)


def test_a_name_that_is_more_than_a_word_is_none(unique: str) -> None:
    """Shells put completions on the line without quotes, and any user may bind any name."""
    with contextlib.ExitStack() as names:
        for ending in (*HOSTILE, ".good"):
            names.enter_context(claimed(f"{unique}{ending}"))
        assert completed("bash", "dump", unique) <= {f"{unique}.good", unique}


def test_a_name_that_means_something_at_the_beginning_of_a_word_is_none() -> None:
    """An option, a user's home."""
    with claimed("-rf"), claimed("~root"):
        assert completed("bash", "dump", "~") == {""}
        assert completed("bash", "dump", "-r") == {""}


@pytest.mark.skipif(shutil.which("bash") is None, reason="it is about bash")
def test_the_script_for_bash_completes(tmp_path: Path) -> None:
    """From end to end: the script, the shell's variables, what it would type."""
    command = tmp_path / "pyrometer"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m pyrometer.client "$@"\n')
    command.chmod(0o755)
    script = (
        f'{typed("completion", "bash").out}\nPATH="{tmp_path}:$PATH" COMP_WORDS=(pyrometer du) COMP_CWORD=1\n'
        '_pyrometer_completion pyrometer; echo "${COMPREPLY[@]}"'
    )
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "dump\n", done.stderr
