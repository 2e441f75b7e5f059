"""The demo shop: what its users are promised to find in it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode

import pytest

from pyrometer.client.verbs import demo
from pyrometer.demo import wsgi

DECLINED = "4000056655665556"
GOOD = "4242424242424242"


class RunningShop:
    """The shop as a program of its own."""

    def __init__(self, *arguments: str) -> None:
        command = [sys.executable, str(wsgi.APP), "--for", "60", *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.host = self.process.stdout.readline().split("//")[1].strip()
        assert self.process.stdout.readline() == "ready\n"

    def children(self) -> set[int]:
        """Pids of what the shop started and that still runs."""
        listing = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return {int(pid) for pid in listing.split()}

    def ask(self, method: str, path: str, **form: str) -> tuple[int, str]:
        """Send one request; returns status and text."""
        connection = HTTPConnection(self.host, timeout=20)
        try:
            connection.request(method, path, urlencode(form))
            reply = connection.getresponse()
            return reply.status, reply.read().decode()
        finally:
            connection.close()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait for the end."""
        self.process.send_signal(number)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return self.process.wait(20)


@pytest.fixture
def shop() -> Iterator[RunningShop]:
    running = RunningShop("--no-traffic")
    yield running
    if running.process.poll() is None:
        running.stop(signal.SIGKILL)


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def _until(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


def test_an_order_that_the_bank_refused_is_confirmed_all_the_same(shop: RunningShop) -> None:
    """The swallowed error: nothing outside the process tells the two answers apart but one word."""
    assert shop.ask("POST", "/checkout", items="D-99,C-21", card=DECLINED)[0] == 200
    assert shop.ask("POST", "/checkout", items="D-99,C-21", card=GOOD)[0] == 200


def test_one_kind_of_order_costs_less_than_nothing(shop: RunningShop) -> None:
    """A voucher that is worth more than the goods; with dearer goods the same voucher is right."""
    answers = [shop.ask("POST", "/checkout", items=items, voucher="SORRY")[1] for items in ("A-17", "B-04")]
    assert [re.findall(r", (-?\d+\.\d+), ", answer) for answer in answers] == [["-11.29"], ["12.72"]]
    assert ", 38.71, " in shop.ask("POST", "/checkout", items="A-17", voucher="none")[1]


def test_one_entry_of_a_thousand_puts_the_page_by(monkeypatch: pytest.MonkeyPatch) -> None:
    """The slow call, and no other one is."""
    from shop import ledger

    waits: list[float] = []
    monkeypatch.setattr(ledger.time, "sleep", waits.append)
    books = ledger.Ledger()
    for _ in range(3 * ledger.PAGE - 1):
        books.enter("bank", "R1", 1.0)
    assert waits == [ledger.SECONDS_TO_PUT_BY] * 2
    assert books.pages == 2


@pytest.mark.parametrize("page", [demo.__file__, "README.md", "docs/verbs/demo.md", "scripts/demo"])
def test_the_places_that_one_is_told_to_look_at_are_those_that_are_meant(page: str) -> None:
    """A line that has moved would make the tour a riddle."""
    text = (Path(__file__).parents[2] / page).read_text(encoding="utf-8")
    meant = {
        ("snap", "views.py"): "stock.reserve(order)",
        ("snap", "pricing.py"): "return round(goods - worth, 2)",
        ("log", "views.py"): 'receipt = "on its way"',
    }
    found = re.findall(r"(snap|log) \S+ shop/(\w+\.py):(\d+)", text)
    assert found
    for verb, file, line in found:
        assert (wsgi.APP / "shop" / file).read_text().splitlines()[int(line) - 1].strip() == meant[verb, file]


def test_what_a_customer_did_wrong_is_said(shop: RunningShop) -> None:
    """Errors that are meant for customers reach them; they are not the bug."""
    assert shop.ask("POST", "/checkout", items="Z-00") == (422, "UnknownItem: Z-00\n")
    assert shop.ask("GET", "/nowhere")[0] == 404
    assert "kettle" in shop.ask("GET", "/?like=kettle")[1]


def test_a_worker_that_dies_is_replaced(shop: RunningShop) -> None:
    """As in gunicorn: so that `ps` and a probe over a service have something to follow."""
    before = shop.children()
    assert len(before) == 2
    victim = min(before)
    os.kill(victim, signal.SIGKILL)
    assert _until(lambda: len(shop.children()) == 2 and victim not in shop.children())
    assert shop.ask("GET", "/")[0] == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_nothing_is_left_running(number: signal.Signals) -> None:
    """Workers and customers end with their master, however that ended."""
    shop = RunningShop()
    children = shop.children()
    assert len(children) == 3
    status = shop.stop(number)
    assert status == (-number if number == signal.SIGKILL else 0)
    assert _until(lambda: not any(_alive(pid) for pid in children))


def test_the_shop_is_a_wsgi_application_too() -> None:
    """`gunicorn pyrometer.demo.wsgi` serves it; its code is the package `shop` there as well."""
    from wsgiref.util import setup_testing_defaults

    environ: dict[str, object] = {"REQUEST_METHOD": "GET", "QUERY_STRING": "like=teapot"}
    setup_testing_defaults(environ)
    environ["PATH_INFO"] = "/"
    answers: list[str] = []
    body = b"".join(wsgi.application(environ, lambda status, headers, exc_info=None: answers.append(status)))  # type: ignore[arg-type,return-value]
    assert answers == ["200 OK"]
    assert body == b"B-04 teapot 64.0\n"
    assert wsgi.application.__module__ == "shop.wsgi"
