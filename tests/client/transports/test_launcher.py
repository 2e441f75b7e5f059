"""What runs first over there, run by this machine's own sh."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

import pytest

from pyrometer.client.transports import launcher

# Stands in for an interpreter: says what it was started with when it becomes the server.
GOOD = """\
#!/bin/sh
[ "$3" = -c ] && { cat >/dev/null; exit 0; }
echo "$0" "$@" "run_dir=$PYROMETER_RUN_DIR" "cwd=$(pwd)"
cat
"""
BAD = """\
#!/bin/sh
echo "Traceback (most recent call last):
  File \\"<string>\\", line 1 *
ModuleNotFoundError: No module named 'pyrometer'" >&2
exit 1
"""
OLD = "#!/bin/sh\necho 'unknown option -P' >&2; exit 2\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a folder for PATH that has interpreters of all sorts."""
    for name, script in (("good", GOOD), ("bad", BAD), ("old", OLD)):
        (tmp_path / name).write_text(script)
        (tmp_path / name).chmod(0o755)
    return tmp_path


def launch(
    folder: Path, python: str | None = None, run_dir: str | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the launcher through a login shell, as ssh does."""
    command = f"exec {shlex.join(launcher.shell_command(python, run_dir))}"
    return subprocess.run(
        ["/bin/sh", "-c", command],
        input="typed",
        capture_output=True,
        text=True,
        env={"PATH": f"{folder}:{os.environ['PATH']}", "HOME": str(folder), **environment},
        timeout=30,
        check=False,
    )


def test_the_interpreter_named_becomes_the_server(folder: Path) -> None:
    """The server is isolated, runs in /, has what was on stdin unread, and knows the agents' folder."""
    done = launch(folder, "good", '/run/it\'s "here"')
    good = folder / "good"
    assert done.stdout == f'{good} -E -P -m pyrometer.server run_dir=/run/it\'s "here" cwd=/\ntyped'


def test_the_owner_s_choice_comes_before_the_path(folder: Path) -> None:
    """PYROMETER_PYTHON over there names the interpreter; one that will not do is passed over, and said so."""
    (folder / "python3").write_text(GOOD)
    (folder / "python3").chmod(0o755)
    assert launch(folder, PYROMETER_PYTHON=str(folder / "good")).stdout.startswith(f"{folder / 'good'} ")
    passed_over = launch(folder, PYROMETER_PYTHON=str(folder / "bad"))
    assert passed_over.stdout.startswith(f"{folder / 'python3'} ")
    assert "No module named 'pyrometer'" in passed_over.stderr


@pytest.mark.parametrize(
    ("python", "why"),
    [("bad", "No module named 'pyrometer'"), ("old", "older than Python 3.11"), ("none", "not found")],
)
def test_an_interpreter_that_will_not_do_is_named_with_the_reason(folder: Path, python: str, why: str) -> None:
    """Fault 87: no usable Python over there ends with the launcher's own status, and what was tried."""
    done = launch(folder, python)
    assert done.returncode == launcher.NO_INTERPRETER
    assert launcher.tried_interpreters(done.stderr) == [(python, why)]


def test_a_name_is_not_a_piece_of_script(folder: Path) -> None:
    """What the user gives as interpreter or folder is a word to the shell over there, whatever it contains."""
    done = launch(folder, "$(touch x)`touch x`'; touch x; \"", "'; touch x; '")
    assert done.returncode == launcher.NO_INTERPRETER
    assert not (folder / "x").exists()


def test_it_fits_between_single_quotes_of_any_login_shell() -> None:
    """Csh and fish read backslashes, line ends and exclamation marks even there."""
    _, _, script, _, _, check = launcher.shell_command(None, None)
    assert not set("'\\\n!") & set(script + check)


def test_what_another_program_says_is_not_the_launcher_s() -> None:
    """A status that happens to be the same is not enough."""
    assert launcher.tried_interpreters("bash: something else") is None


def test_without_a_shell_the_interpreter_is_started_at_once() -> None:
    """Distroless images: the same isolation, the agents' folder by an argument."""
    assert launcher.direct_command("python3", None) == ["python3", "-E", "-P", "-m", "pyrometer.server"]
    assert launcher.direct_command("python3", "/run/p")[-1] == "/run/p"
