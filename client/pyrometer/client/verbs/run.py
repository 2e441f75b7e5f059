"""`pyrometer run`: becomes another program, with the agent in it and in whatever Python it starts."""

from __future__ import annotations

import importlib.util
import os
import shlex
import shutil
from pathlib import Path
from typing import NoReturn

import click

from pyrometer.client.errors import ClientError, UsageFault
from pyrometer.client.targets import check_service

NOT_EXECUTABLE, NO_COMMAND = 126, 127
"""Exit codes of shells, and of `env`, for a command that can't be run and one that is not there."""
_MASKS = {
    "opentelemetry-instrument": "opentelemetry-instrument hides the agent from what it starts. "
    "The other way round: opentelemetry-instrument … pyrometer run -- CMD"
}
"""Commands that put a `sitecustomize` of theirs in front of ours and do not run it, and what to say."""
_EXAMPLE = "For instance: pyrometer run --service shop -- gunicorn shop.wsgi"


@click.command("run", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option("--service", metavar="NAME", help="Name that all processes of the service share.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="-- CMD…")
def command(service: str | None, arguments: tuple[str, ...]) -> int:
    """Start a program with the agent in it: no change to its code; children and workers too.

    The program replaces this one: same pid, same signals, same exit code. A child that is not Python 3.11 or newer
    just runs.
    """
    if not arguments:
        raise UsageFault("run needs a command.", next=_EXAMPLE)
    if arguments[0].startswith("-"):
        raise UsageFault(f"run has no option {arguments[0]}.", next=_EXAMPLE)
    if Path(arguments[0]).name in _MASKS:
        click.echo(f"» {_MASKS[Path(arguments[0]).name]}", err=True)
    become(_find(arguments[0]), list(arguments), service)


def _find(name: str) -> str:
    """Where a command is. Raises ClientError with the exit code that a shell has for it."""
    program = shutil.which(name)
    if program is not None:
        return program
    if os.sep in name and Path(name).exists():
        said = "is a folder" if Path(name).is_dir() else "is not executable"
        raise ClientError(f"{name} {said}.", next=_EXAMPLE, exit_code=NOT_EXECUTABLE, reason="NO_SUCH_COMMAND")
    where = "there" if os.sep in name else "on the PATH"
    raise ClientError(
        f"there is no command {name!r} {where}.", next=_EXAMPLE, exit_code=NO_COMMAND, reason="NO_SUCH_COMMAND"
    )


def become(program: str, arguments: list[str], service: str | None) -> NoReturn:
    """Replace this process by a program with the agent in it. Raises ClientError: it could not be started."""
    if service is not None:
        check_service(service)
    environment = dict(os.environ)
    bootstrap = find_bootstrap()
    earlier = [entry for entry in environment.get("PYTHONPATH", "").split(os.pathsep) if entry and entry != bootstrap]
    environment["PYTHONPATH"] = os.pathsep.join([bootstrap, *earlier])
    if service:
        environment["PYROMETER_SERVICE"] = service
    try:
        os.execve(program, arguments, environment)
    except OSError as error:
        raise ClientError(
            f"{program} could not be started: {error.strerror}.",
            next=f"Does it run by itself? {shlex.join(arguments)}",
            exit_code=NOT_EXECUTABLE,
        ) from None


def find_bootstrap() -> str:
    """The folder of the agent's `sitecustomize`, found by path: the client does not import the agent."""
    found = importlib.util.find_spec("pyrometer.agent")
    if found is None or found.origin is None:
        raise ClientError("the agent is not installed beside this command.", next="pip install pyrometer")
    return str(Path(found.origin).parent / "bootstrap")
