"""Options that several verbs share, and what they become: a request for a session, a form of output."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from pyrometer.client.errors import UsageFault
from pyrometer.client.quantities import LARGEST_PID, Count, Duration
from pyrometer.client.targets import PodTarget, RemoteOptions, Target, parse_target

Decorated = Callable[..., Any]


@dataclass(frozen=True)
class Where:
    """Where to look: the target, how to get there, and which processes of it."""

    target: Target
    remote: RemoteOptions
    pid: int | None = None

    @property
    def service(self) -> str:
        """The service named, or ""."""
        return self.target.service or ""

    @property
    def pids(self) -> list[int]:
        """The processes named."""
        return [pid for pid in (self.pid or self.target.pid,) if pid]


def target_options(*, short_namespace: bool = True, required: bool = False) -> Callable[[Decorated], Decorated]:
    """TARGET, `--pid`, and how to get to a remote one; the verb gets them as `where`."""
    namespace = ("-n", "--namespace") if short_namespace else ("--namespace",)

    def decorate(function: Decorated) -> Decorated:
        def with_where(
            target: str | None,
            pid: int | None,
            server_python: str | None,
            run_dir: str | None,
            container: str | None,
            namespace: str | None,
            context: str | None,
            **rest: Any,
        ) -> Any:
            remote = RemoteOptions(server_python, run_dir, container, namespace, context)
            where = Where(parse_target(target, namespace), remote, pid)
            _check_for_pods(where)
            return function(where=where, **rest)

        from pyrometer.client.completing import complete_target

        with_where.__name__, with_where.__doc__ = function.__name__, function.__doc__
        for option in reversed(_ways_there(namespace)):
            with_where = option(with_where)
        # click lists parameters from the last to the first: a verb's own options come before the ways there.
        own = getattr(function, "__click_params__", [])
        with_where.__click_params__ += own  # type: ignore[attr-defined]
        return click.argument("target", required=required, shell_complete=complete_target)(with_where)

    return decorate


def _check_for_pods(where: Where) -> None:
    """Refuse what only a pod has where the target is none: to leave it unheard would look elsewhere than was meant."""
    remote = where.remote
    for option, value in (("-c", remote.container), ("--namespace", remote.namespace), ("--context", remote.context)):
        if value is not None and not isinstance(where.target, PodTarget):
            raise UsageFault(
                f"{option} {value} is for k8s: targets, and this is {where.target}.", next="The form is k8s:POD[/WHAT]"
            )


def _ways_there(namespace: tuple[str, ...]) -> list[Callable[[Decorated], Decorated]]:
    return [
        click.option("--pid", type=Count(1, LARGEST_PID), metavar="PID", help="Only this process of the service."),
        click.option("--server-python", metavar="PATH", help="Interpreter over there that has pyrometer."),
        click.option("--run-dir", metavar="DIR", help="Folder of the agents that have one."),
        click.option("-c", "--container", metavar="NAME", help="k8s: container of the pod."),
        click.option(*namespace, metavar="NAME", help="k8s: namespace of the pod."),
        click.option("--context", metavar="NAME", help="k8s: which cluster."),
    ]


def _not_empty(ctx: click.Context, param: click.Parameter, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
    """Refuse an expression without a word: a variable of the shell that is empty would take the condition away."""
    given = ctx.get_parameter_source(str(param.name)) is click.core.ParameterSource.COMMANDLINE
    if given and not all(text.strip() for text in ([value] if isinstance(value, str) else value)):
        raise click.BadParameter("it is empty; write one like: order.total > 1000", ctx, param)
    return value


def probe_options(function: Decorated) -> Decorated:
    """When, what and how much of a probe: what `catch` and `snap` share."""
    frames = click.option("--frames", type=Count(1, 200), metavar="N", help="Frames to show values of.")
    return _applied([condition_option(), expression_option(), *bound_options(1), frames], function)


def call_options(function: Decorated) -> Decorated:
    """When, what and how much of a probe on calls."""
    own = [
        click.option(
            "--frames", type=Count(1, 200), metavar="N", help="Frames to show: the call and its callers. [default: 1]"
        ),
        click.option("--locals", "values", is_flag=True, help="Show the variables at the end of the call too."),
    ]
    return _applied([condition_option(), expression_option(), *bound_options(20), *own], function)


def expression_option() -> Callable[[Decorated], Decorated]:
    """`--expr`, as `expressions`."""
    return click.option(
        "--expr",
        "expressions",
        multiple=True,
        metavar="EXPR",
        help="Show the value of this too.",
        callback=_not_empty,
    )


def condition_option() -> Callable[[Decorated], Decorated]:
    """`--if`, as `condition`."""
    return click.option(
        "--if", "condition", default="", metavar="EXPR", help="Only when this is true.", callback=_not_empty
    )


def bound_options(hits: int) -> list[Callable[[Decorated], Decorated]]:
    """`-n`, by default so many, and `--for`: as `hits` and `seconds`."""
    return [
        click.option(
            "-n",
            "hits",
            type=Count(1, 1000),
            default=hits,
            show_default=True,
            metavar="N",
            help="Hits to deliver.",
        ),
        click.option(
            "--for", "seconds", type=Duration(86_400), default="60s", show_default=True, help="How long to wait."
        ),
    ]


def line_options(function: Decorated) -> Decorated:
    """When, and how many: of a probe that says one line a hit."""
    return _applied([condition_option(), *bound_options(20)], function)


def _applied(options: list[Callable[[Decorated], Decorated]], function: Decorated) -> Decorated:
    for option in reversed(options):
        function = option(function)
    return function


def force_option(function: Decorated) -> Decorated:
    """`--force`, of verbs whose place may be a line."""
    words = "Take the line of what runs, though the file was changed since."
    return click.option("--force", is_flag=True, help=words)(function)


def keep_option(function: Decorated) -> Decorated:
    """`--out`, a file that keeps what comes; the verb gets it as `out`."""

    def check(_ctx: click.Context, _param: click.Parameter, value: Path | None) -> Path | None:
        from pyrometer.client.snapshots import gathering

        gathering.check(value)
        return value

    option = click.option(
        "--out",
        type=click.Path(path_type=Path),
        metavar="FILE",
        callback=check,
        help="Keep it too: as a page (.html), or for programs (.json, .jsonl).",
    )
    return option(function)


def typed_command() -> str:
    """What was typed, as it could be typed again."""
    words = click.get_current_context().find_root().obj
    return shlex.join(["pyrometer", *words]) if words else ""


def output_option(*forms: str) -> Callable[[Decorated], Decorated]:
    """`-o`, the form of the output: the first one is the default."""
    return click.option(
        "-o", "--output", type=click.Choice(forms), default=forms[0], show_default=True, help="How to print it."
    )
