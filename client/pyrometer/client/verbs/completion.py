"""`pyrometer completion`: the script that makes a shell complete verbs, options and targets."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from pyrometer.client.errors import UsageFault

_SHELLS = ("bash", "zsh", "fish")


@click.command("completion")
@click.argument("shell", type=click.Choice(_SHELLS))
def command(shell: str) -> int:
    """Print the completion script of a shell.

    For bash, in ~/.bashrc: eval "$(pyrometer completion bash)"
    """
    from pyrometer.client.command import COMPLETE, pyrometer

    kind = get_completion_class(shell)
    if kind is None:
        raise UsageFault(f"this version of click does not know {shell}.", next="pip install -U click")
    click.echo(kind(pyrometer, {}, "pyrometer", COMPLETE).source())
    return 0
