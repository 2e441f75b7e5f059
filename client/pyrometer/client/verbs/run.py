"""`pyrometer run`: becomes another program, with the agent in it and in whatever Python it starts."""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path
from typing import NoReturn

import click

from pyrometer.client.errors import ClientError, NotFound, UsageFault


@click.command("run", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option("--service", metavar="NAME", help="Name that all processes of the service share.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="-- CMD…")
def command(service: str | None, arguments: tuple[str, ...]) -> int:
    """Start a program with the agent in it: no change to its code; children and workers too.

    The program replaces this one: same pid, same signals, same exit code. A child that is not Python 3.11 or newer
    just runs.
    """
    if not arguments:
        raise UsageFault(
            "run needs a command.", next="For instance: pyrometer run --service shop -- gunicorn shop.wsgi"
        )
    program = shutil.which(arguments[0])
    if program is None:
        raise NotFound(f"there is no command {arguments[0]!r} on the PATH.", reason="NO_SUCH_COMMAND")
    become(program, list(arguments), service)


def become(program: str, arguments: list[str], service: str | None) -> NoReturn:
    """Replace this process by a program with the agent in it. Raises ClientError: it could not be started."""
    environment = dict(os.environ)
    bootstrap = find_bootstrap()
    earlier = [entry for entry in environment.get("PYTHONPATH", "").split(os.pathsep) if entry and entry != bootstrap]
    environment["PYTHONPATH"] = os.pathsep.join([bootstrap, *earlier])
    if service:
        environment["PYROMETER_SERVICE"] = service
    try:
        os.execve(program, arguments, environment)
    except OSError as error:
        raise ClientError(f"{program} could not be started: {error.strerror}") from None


def find_bootstrap() -> str:
    """The folder of the agent's `sitecustomize`, found by path: the client does not import the agent."""
    found = importlib.util.find_spec("pyrometer.agent")
    if found is None or found.origin is None:
        raise ClientError("the agent is not installed beside this command.", next="pip install pyrometer")
    return str(Path(found.origin).parent / "bootstrap")
