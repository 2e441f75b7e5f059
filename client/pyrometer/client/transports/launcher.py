"""What runs first over there: it finds an interpreter that has pyrometer and becomes the server."""

from __future__ import annotations

import re

NO_INTERPRETER = 119
"""Exit status of the launcher where no interpreter will do; its stderr then says why, a line each."""

# `-E`: no PYTHON* variable of the service counts. `-P`: nothing is imported from the working directory.
_ISOLATED = ("-E", "-P")

# An agent installed with --no-deps can be imported as well, but what the server needs is not there.
_CHECK = (
    "import pyrometer.server; from importlib.util import find_spec as found; "
    '[found(name) or __import__(name) for name in ("grpc", "google.protobuf", "psutil")]'
)

# ssh hands this to whatever login shell the user has: one line without ' \ or !, so that it can stand between single
# quotes in all of them. $1: the agents' folder, or empty; $2: the check; then the interpreters to try, if any.
_SCRIPT = (
    'cd /; set -f; if [ -n "$1" ]; then PYROMETER_RUN_DIR=$1; export PYROMETER_RUN_DIR; fi; check=$2; shift 2; '
    'if [ $# = 0 ]; then set -- "$PYROMETER_PYTHON" "${VIRTUAL_ENV:-/venv}/bin/python" python3 /usr/local/bin/python3 '
    "python /venv/bin/python /opt/venv/bin/python /app/.venv/bin/python /app/venv/bin/python "
    '"$HOME/.local/share/pipx/venvs/pyrometer/bin/python" "$HOME/.local/share/uv/tools/pyrometer/bin/python"; fi; '
    'for python; do if [ -z "$python" ]; then continue; fi; '
    'if command -v "$python" >/dev/null 2>&1; then '
    'if why=$("$python" -E -P -c "$check" 2>&1 </dev/null); then exec "$python" -E -P -m pyrometer.server; fi; '
    'echo "pyrometer-launch: $python:" $why >&2; '
    'elif [ $# = 1 ]; then echo "pyrometer-launch: $python: not found" >&2; fi; done; '
    "echo pyrometer-launch: none >&2; exit 119"
)

_DIRECT = (
    'import os, runpy, sys; os.environ["PYROMETER_RUN_DIR"] = sys.argv.pop(1); '
    'runpy.run_module("pyrometer.server", run_name="__main__", alter_sys=True)'
)

_TRIED = re.compile(r"^pyrometer-launch: (?P<python>.+?):(?: (?P<why>.*))?$", re.MULTILINE)


def shell_command(python: str | None, run_dir: str | None) -> list[str]:
    """Build the command for a place that has a shell; `python` None tries the usual interpreters in turn."""
    return ["sh", "-c", _SCRIPT, "pyrometer-launch", run_dir or "", _CHECK, *([python] if python else [])]


def direct_command(python: str, run_dir: str | None) -> list[str]:
    """Build the command for a place without a shell (distroless images)."""
    if run_dir is None:
        return [python, *_ISOLATED, "-m", "pyrometer.server"]
    return [python, *_ISOLATED, "-c", _DIRECT, run_dir]


def tried_interpreters(stderr: str) -> list[tuple[str, str]] | None:
    """Read which interpreters the launcher tried and why each would not do; None if it was not the launcher."""
    if "pyrometer-launch: none" not in stderr:
        return None
    return [(match["python"], _cause(match["why"] or "")) for match in _TRIED.finditer(stderr)]


def _cause(why: str) -> str:
    """Shorten an interpreter's complaint, its lines joined by blanks, to what matters."""
    if re.search(r"unknown option:? -P", why, re.IGNORECASE):
        return "older than Python 3.11"
    missing = re.search(r"No module named '[^']*'", why)
    return missing[0] if missing else why[-200:]
