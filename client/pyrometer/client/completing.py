"""Completions of targets: the services and pids of this machine, as the shell asks for them."""

from __future__ import annotations

import re

import click

_ADDRESS = re.compile(
    r" @pyrometer\.[0-9]+\.(?P<pid>[0-9]{1,10})\.[0-9a-f]{8}\.(?P<service>[A-Za-z0-9_@.+][A-Za-z0-9_@.+~-]{0,63})$",
    re.MULTILINE,
)
"""Of words only: any user may bind any name, and shells put completions on the line without quotes."""
_FORMS = ("ssh:", "docker:", "podman:", "k8s:", "unix:", "pid:")


def complete_target(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Names of services, pids and the forms' prefixes that begin so. Reads one file and starts nothing."""
    try:
        with open("/proc/net/unix", errors="replace") as file:
            text = file.read()
    except OSError:
        text = ""
    found = {word for match in _ADDRESS.finditer(text) for word in (match["service"], match["pid"])}
    return [word for word in (*sorted(found), *_FORMS) if word.startswith(incomplete)]
