"""The command `pyrometer`: its verbs, found without importing them, and the one funnel for all errors.

A verb is a click command in a module of its own under `verbs`, whose function returns its exit code.
"""

from __future__ import annotations

import errno
import importlib
import os
import re
import sys
from collections.abc import Sequence

import click

from pyrometer.client import VERSION
from pyrometer.client.errors import ClientError, UsageFault

INTERRUPTED = 130
BROKEN_PIPE = 141
COMPLETE = "_PYROMETER_COMPLETE"
"""Variable by which a shell asks for completions."""

VERBS = {
    "run": "Start a program with the agent in it; children and workers too.",
    "ps": "List the processes that can be looked into.",
    "why": "Find out what is wrong, in ten seconds: what to type first.",
    "info": "Tell what processes use: CPU, memory, descriptors, GC, event-loop lag, throttling.",
    "dump": "Print the stacks of all threads, busiest first.",
    "top": "Show the hottest functions and threads, live.",
    "record": "Record a sampling profile: a flame graph, and the hottest functions here.",
    "view": "Open a saved profile or snapshot.",
    "diff": "Compare two saved profiles: what grew, what shrank.",
    "snap": "Show the values at a line or function when it is next reached.",
    "log": "Print a line each time a line or function is reached: log lines that nobody wrote.",
    "watch": "Show calls of a function: arguments, result or exception, duration.",
    "catch": "Take a snapshot when an exception is raised, with every frame's values.",
    "probes": "List what is armed, what it costs, and why it has not fired.",
    "doctor": "Explain why a process can't be looked into, and what to do.",
    "serve": "Keep a server running on a unix socket, for other gRPC clients.",
    "demo": "Run a small shop with real bugs, under load, to try all of it on.",
    "completion": "Print the completion script of a shell.",
}
"""Each verb with its line in `--help`. What does not work yet is not in it."""


class Verbs(click.Group):
    """A group that imports a verb's module when that verb is asked for: `--help` imports none."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The verbs, in the order of the table."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one verb."""
        if cmd_name not in VERBS:
            return None
        module = importlib.import_module(f"pyrometer.client.verbs.{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The table of verbs, without importing any."""
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the verb; where there is none of that name, say which ones come near."""
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            import difflib

            near = difflib.get_close_matches(args[0], VERBS, n=1)
            hint = f". Did you mean {near[0]}?" if near else ""
            raise click.UsageError(f"there is no verb {args[0]!r}{hint}", ctx)
        return super().resolve_command(ctx, args)


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(VERSION, prog_name="pyrometer")
def pyrometer() -> None:
    """Look into running Python processes in production: stacks, flame graphs, values; safely and read-only.

    TARGET is a pid, a service's name, ssh:HOST, docker:CONTAINER or k8s:POD; often it can be left out.
    """


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code; nothing is raised, and no traceback reaches the user."""
    if not arguments and not os.environ.get(COMPLETE):
        click.echo(pyrometer.make_context("pyrometer", [], resilient_parsing=True).get_help(), err=True)
        return UsageFault.exit_code
    try:
        # color: whether to paint is decided in `render.terminal`, and click must not undo it.
        result = pyrometer.main(
            list(arguments),
            prog_name="pyrometer",
            complete_var=COMPLETE,
            standalone_mode=False,
            color=True,
            obj=tuple(arguments),
        )
        return result if isinstance(result, int) else 0
    except click.UsageError as error:
        report(_usage_fault(error))
        return 2
    except click.ClickException as error:
        report(ClientError(error.format_message()))
        return 1
    except ClientError as error:
        report(error)
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except SystemExit as ended:  # click ends the program itself: completions are printed, or nobody reads any more
        return _reader_left() if isinstance(ended.__context__, OSError) else _exit_code(ended)
    except OSError as error:
        if error.errno == errno.EPIPE:
            return _reader_left()
        report(ClientError(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}"))
        return 1
    except UnicodeEncodeError as error:
        return _not_a_text(error, arguments) or _defect(error)
    except Exception as error:
        return _defect(error)


def report(error: ClientError) -> None:
    """Print an error on stderr: what happened, and the next thing to do."""
    from pyrometer.client.render.terminal import escape

    message = escape(error.message, keep="\n")
    click.echo(f"pyrometer: {message}", err=True)
    if error.next:
        indented = escape(error.next, keep="\n").replace("\n", "\n  ")
        click.echo(f"  {indented}", err=True)


def _usage_fault(error: click.UsageError) -> UsageFault:
    """What click found wrong with what was typed, in the form of all our errors."""
    # Choices are a line each; they fit on one.
    said = re.sub(r"\s*\n\s*", " ", error.format_message()).rstrip(".,")
    command = error.ctx.command_path if error.ctx else "pyrometer"
    return UsageFault(f"{said[:1].lower()}{said[1:]}", next=f"{command} --help shows what there is")


def _exit_code(ended: SystemExit) -> int:
    return ended.code if isinstance(ended.code, int) else int(ended.code is not None)


def _reader_left() -> int:
    """Whoever read our output is gone: end quietly, also in the flush at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return BROKEN_PIPE


def _not_a_text(error: UnicodeEncodeError, arguments: Sequence[str]) -> int:
    """Refuse an argument with bytes that are no UTF-8, where something sent it; 0: it was another text."""
    if error.object not in arguments:
        return 0
    where = f"an argument holds bytes that are not UTF-8 (at character {error.start + 1})"
    report(UsageFault(where, next="Type it in a terminal, or save the script, as UTF-8."))
    return UsageFault.exit_code


def _defect(error: Exception) -> int:
    """A mistake of ours: one line for the user; the traceback for who asks for it."""
    if os.environ.get("PYROMETER_DEBUG"):
        import traceback

        traceback.print_exception(error)
    report(
        ClientError(
            f"a defect of pyrometer: {type(error).__name__}: {error}",
            next="PYROMETER_DEBUG=1 shows the traceback; please report it",
        )
    )
    return 1
