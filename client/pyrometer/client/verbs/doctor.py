"""`pyrometer doctor`: why can't I look, and what to do about it."""

from __future__ import annotations

import click

from pyrometer.client import VERSION, documents
from pyrometer.client.errors import NotFound, UsageFault
from pyrometer.client.options import Where, output_option, target_options
from pyrometer.client.render.terminal import Style, colours, escape
from pyrometer.client.session import Look, open_look


@click.command("doctor")
@target_options()
@output_option("table", "json")
def command(where: Where, output: str) -> int:
    """Explain what can be done with a process, and why the rest can't: cause, how to confirm it, remedy.

    Exit code 0 if that could be told, whatever it is; 3 if there is no such process.
    """
    from pyrometer.v1 import process_service_pb2 as messages

    with open_look(where) as look:
        pid = _the_process(look, where)
        answer = look.call("DiagnoseProcess", messages.DiagnoseProcessRequest(pid=pid), timeout=20)
        version = look.server_version
    checks = [documents.check(check) for check in answer.checks]
    if version not in ("", VERSION):
        checks.insert(0, _versions_differ(version))
    if output == "json":
        documents.print_json("doctor", {"checks": checks, "errors": []})
    else:
        _print(checks)
    if any(check["name"] == "process" and not check["ok"] for check in checks):
        return NotFound.exit_code
    return 0


def _versions_differ(server: str) -> documents.Document:
    return {
        "name": "version",
        "ok": False,
        "cause": f"this command is of version {VERSION}, the server over there of {server}",
        "confirm": "pyrometer --version, here and there",
        "remedy": "install the same version on both sides",
    }


def _the_process(look: Look, where: Where) -> int:
    """The process named; of a service, its first."""
    from pyrometer.v1 import process_service_pb2 as messages

    if where.pids:
        return where.pids[0]
    found = look.call("ListProcesses", messages.ListProcessesRequest(service=where.service), timeout=20).processes
    if not found:
        raise UsageFault("doctor needs a process: none with the agent runs here.", next="pyrometer doctor PID")
    return int(found[0].pid)


def _print(checks: list[documents.Document]) -> None:
    style = Style(enabled=colours())
    for check in checks:
        mark = style.paint("✓", "green") if check["ok"] else style.paint("✗", "red")
        click.echo(f"{mark} {check['name']:<8}  {escape(check['cause'])}")
        if check["confirm"]:
            click.echo(f"            check: {escape(check['confirm'])}")
        if check["remedy"]:
            click.echo(f"            do:    {escape(check['remedy'])}")
