"""`pyrometer demo`: a small shop with real bugs, under load, to try the verbs on."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from pathlib import Path

import click

from pyrometer.client.errors import ClientError
from pyrometer.client.quantities import Count, Duration, typed
from pyrometer.client.render.terminal import Style, colours
from pyrometer.client.targets import check_service
from pyrometer.client.verbs.run import become

_LONGEST = 86_400.0

_TOUR = (
    ("What is there, and what does it do right now?", ("ps {service}", "dump {service}")),
    ("It is slow. Where does the time go? One function burns 60 % of it.", ("record {service} -d 5s",)),
    (
        "Goods leave that nobody has paid for. An error is swallowed: see it raised, with all values.",
        (
            "catch {service} PaymentError --in 'shop.*'",
            "catch {service} PaymentError --in 'shop.*' --if 'order.total > 1000' --out order.html",
            "log {service} shop/views.py:37 'order {{order.order_id}} is not paid: {{order.total:.2f}}'",
        ),
    ),
    (
        "Some orders cost less than nothing. See one of them, then how it comes to that.",
        (
            "snap {service} shop/views.py:32 --if 'order.total < 0' --expr order.total",
            "snap {service} shop/pricing.py:37 --if 'worth > goods' --expr goods --expr order.voucher",
        ),
    ),
    (
        "Now and then a customer waits for no reason. Which call is slow, one time of a thousand?",
        ("watch {service} 'shop.ledger:*' --if 'elapsed > 0.2' -n 4",),
    ),
    ("While one of these waits, in a third terminal: what is armed, and what does it cost?", ("probes {service}",)),
)
"""What to try on the shop, in the order in which one would: what one wants to know, and what to type."""


@click.command("demo")
@click.option("--workers", type=Count(1, 64), default=2, show_default=True, metavar="N", help="Processes that serve.")
@click.option(
    "--for", "seconds", type=Duration(_LONGEST), default="10m", show_default=True, help="How long it runs, at most."
)
@click.option("--service", default="shop", show_default=True, metavar="NAME", help="Name of the service.")
def command(workers: int, seconds: float, service: str) -> int:
    """Run a small shop with four real bugs, under load, to try all of it on.

    It listens on 127.0.0.1 only, and ends by ctrl-C or when its time is over; nothing of it is left then.
    """
    check_service(service)
    for line in _introduction(service, seconds, Style(enabled=colours())):
        click.echo(line)
    sys.stdout.flush()
    shop = [sys.executable, str(find_shop()), "--workers", str(workers), "--for", f"{seconds:g}"]
    become(sys.executable, shop, service)


def find_shop() -> Path:
    """The shop's folder, found by path: it is a stranger's program, and the client imports nothing of it."""
    found = importlib.util.find_spec("pyrometer.demo")
    if found is None or found.origin is None:
        raise ClientError("the demo is not installed beside this command.", next="pip install pyrometer")
    return Path(found.origin).with_name("app")


def _introduction(service: str, seconds: float, style: Style) -> list[str]:
    lines = [
        f"A small shop with four bugs, under load, with the agent in it: service {service}, pid {os.getpid()}.",
        f"Ctrl-C ends it, or its time is over: {typed(seconds)}. In another terminal, type:",
    ]
    ours = _our_name()
    for number, (question, commands) in enumerate(_TOUR, 1):
        lines += ["", f"{number}  {question}"]
        lines += [f"     {style.paint(f'{ours} {words.format(service=service)}', 'bold')}" for words in commands]
    return [*lines, ""]


def _our_name() -> str:
    """What to type for this command: its name where the PATH leads here, else how it was called."""
    called = Path(sys.argv[0])
    if called.name != "pyrometer":
        return f"{sys.executable} -m pyrometer.client"
    found = shutil.which("pyrometer")
    same = found is not None and called.exists() and os.path.samefile(found, called)
    return "pyrometer" if same or os.sep not in sys.argv[0] else sys.argv[0]
