"""`pyrometer doctor`: why can't I look, and what to do about it."""

from __future__ import annotations

import re

import click

from pyrometer.client import VERSION, documents
from pyrometer.client.errors import NotFound, UsageFault
from pyrometer.client.options import Where, output_option, target_options
from pyrometer.client.render.terminal import Style, colours, escape
from pyrometer.client.session import Look, open_look

_MOST = 16
"""Processes of a service that are asked about."""


@click.command("doctor")
@target_options()
@output_option("table", "json")
def command(where: Where, output: str) -> int:
    """Explain what can be done with a process, and why the rest can't: cause, how to confirm it, remedy.

    Of a service, all its processes. Exit code 0 if that could be told, whatever it is; 3 if there is no such process.
    """
    from pyrometer.v1 import process_service_pb2 as messages

    with open_look(where) as look:
        pids = _the_processes(look, where)
        answers = {
            pid: look.call("DiagnoseProcess", messages.DiagnoseProcessRequest(pid=pid), timeout=20)
            for pid in pids[:_MOST]
        }
        version = look.server_version
    found = {pid: [documents.check(check, pid) for check in answer.checks] for pid, answer in answers.items()}
    first = [_versions_differ(version)] if version not in ("", VERSION) else []
    if output == "json":
        checks = [*first, *(check for checks in found.values() for check in checks)]
        documents.print_json("doctor", {"checks": checks, "errors": []})
    else:
        _print(first, found, len(pids) - len(found))
    absent = [any(check["name"] == "process" and not check["ok"] for check in checks) for checks in found.values()]
    return NotFound.exit_code if all(absent) else 0


def _versions_differ(server: str) -> documents.Document:
    return {
        "name": "version",
        "ok": False,
        "cause": f"this command is of version {VERSION}, the server over there of {server}",
        "confirm": "pyrometer --version, here and there",
        "remedy": "install the same version on both sides",
    }


def _the_processes(look: Look, where: Where) -> list[int]:
    """Those named, or all of a service."""
    from pyrometer.v1 import process_service_pb2 as messages

    if where.pids:
        return list(where.pids)
    found = look.call("ListProcesses", messages.ListProcessesRequest(service=where.service), timeout=20).processes
    services = sorted({process.service for process in found})
    if not found:
        raise UsageFault("doctor needs a process: none with the agent runs here.", next="pyrometer doctor PID")
    if len(services) > 1:
        raise UsageFault(f"there are several services: {', '.join(services)}.", next="name one of them, or a PID")
    return [process.pid for process in found]


def _print(first: list[documents.Document], found: dict[int, list[documents.Document]], left_out: int) -> None:
    style = Style(enabled=colours())
    groups = _alike(found)
    _print_checks(first, style)
    for pids in groups:
        if len(groups) > 1:
            click.echo(style.paint(", ".join(map(str, pids)), "bold"))
        _print_checks(found[pids[0]], style, alike=len(pids) - 1)
    if left_out:
        click.echo(f"» {left_out} more processes were not asked about: pyrometer doctor PID", err=True)


def _alike(found: dict[int, list[documents.Document]]) -> list[list[int]]:
    """Processes of which the same is to be said, but for their numbers."""
    groups: dict[str, list[int]] = {}
    for pid, checks in found.items():
        said = re.sub(r"\d+", "N", str([(check["name"], check["ok"], check["cause"]) for check in checks]))
        groups.setdefault(said, []).append(pid)
    return list(groups.values())


def _print_checks(checks: list[documents.Document], style: Style, *, alike: int = 0) -> None:
    for check in checks:
        mark = style.paint("✓", "green") if check["ok"] else style.paint("✗", "red")
        more = f", and {alike} like it" if alike and check["name"] == "process" else ""
        click.echo(f"{mark} {check['name']:<8}  {escape(check['cause'])}{more}")
        if check["confirm"]:
            click.echo(f"            check: {escape(check['confirm'])}")
        if check["remedy"]:
            click.echo(f"            do:    {escape(check['remedy'])}")
