"""`pyrometer catch` on a shop under load: one hit of four workers, its secrets withheld, and nobody notices."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlencode

import pytest

from pyrometer import demo
from tests.support.schemas import validate
from tests.support.servers import Server, free_port, gunicorn_command, serving
from tests.support.services import pyrometer, until

SHOP = Path(demo.__file__).with_name("app")
DECLINED, ACCEPTED = "4000056655665556", "4242424242424242"
SECRETS = (DECLINED, "correct horse battery staple", "ZmFtaWx5LXNlY3JldA")
ORDERS = [
    {"items": items, "card": card, "name": "Ann"}
    for items in ("A-17", "D-99,C-21", "B-04,nothing", "C-21,B-04,A-17", "D-99,D-99")
    for card in (ACCEPTED, DECLINED)
]
"""Orders of all kinds: paid, declined, declined over 1000, of an item that there is not."""
ROUNDS = 12

pytestmark = [pytest.mark.needs("gunicorn"), pytest.mark.slow]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The demo's shop behind gunicorn with four workers, once for all: each test leaves it as it was."""
    port = free_port()
    command = gunicorn_command(port, "-w", "4", app="shop.wsgi", path=SHOP)
    with serving(f"t{os.urandom(4).hex()}", tmp_path_factory.mktemp("home"), port, command, 5) as served:
        yield served


def test_an_exception_that_the_shop_swallows_is_caught_once(shop: Server) -> None:
    """Faults 12, 53 and 64: exactly one hit, all frames' values without secrets, and the same answers to everybody."""
    usual = answers(shop)
    before = shop.settled()
    with catching(shop, "--if", "order.total > 1000", "-n", "1") as catch:
        seen = answers(shop)
        events = [json.loads(line) for line in catch.communicate()[0].splitlines()]
    assert catch.returncode == 0
    assert seen == usual

    for event in events:
        validate("events", event)
    (hit,) = [event for event in events if event["event"] == "hit"]
    assert hit["pid"] in before.processes - {shop.pid}
    assert hit["exception"]["type"] == "shop.errors.PaymentError"
    raised = hit["exception"]
    assert (raised["handled"], raised["handled_why"].split(":")[0]) == (True, "by checkout, shop/views.py")
    assert all(frame["locals"] is not None for frame in hit["frames"])
    assert [event["event"] for event in events][-1] == "done"
    assert not any(secret in json.dumps(events) for secret in SECRETS)

    charge, checkout = hit["frames"][:2]
    assert (charge["function"], checkout["function"]) == ("charge", "checkout")
    assert [charge["locals"][name]["kind"] for name in ("card_number", "password")] == ["redacted", "redacted"]
    order = charge["locals"]["order"]
    assert order["fields"]["total"]["value"] > 1000
    assert order["fields"]["customer"]["fields"]["card_number"]["kind"] == "redacted"
    assert checkout["locals"]["order"]["ref"] == order["ref"]
    assert checkout["locals"]["request"]["fields"]["session"]["kind"] == "redacted"

    assert pyrometer("probes", shop.service, "-o", "json").document["probes"] == []
    until(lambda: shop.belongings() == before, f"catch left nothing behind: {before}")


def test_as_many_hits_are_delivered_as_were_asked_for(shop: Server) -> None:
    """Over four processes exactly `-n`: the surplus is discarded."""
    with catching(shop, "-n", "3") as catch:
        answers(shop)
        events = [json.loads(line) for line in catch.communicate()[0].splitlines()]
    assert catch.returncode == 0
    assert [event["event"] for event in events].count("hit") == 3
    assert events[-1]["delivered"] == 3
    hits = {event["hit_id"]: event["exception"] for event in events if event["event"] == "hit"}
    verdicts = {event["hit_id"]: event for event in events if event["event"] == "verdict"}
    assert verdicts.keys() <= hits.keys()
    told = [verdicts.get(hit_id, raised) for hit_id, raised in hits.items()]
    assert [(each["handled"], each["handled_why"].split(":")[0]) for each in told] == [
        (True, "by checkout, shop/views.py")
    ] * 3


@contextlib.contextmanager
def catching(shop: Server, *options: str) -> Iterator[subprocess.Popen[str]]:
    """A catch of `PaymentError`, armed in all workers of the shop; killed at the end where it still runs."""
    words = ["catch", shop.service, "PaymentError", "--in", "shop.*", *options, "--for", "30s", "-o", "jsonl"]
    command = [sys.executable, "-m", "pyrometer.client", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as catch:
        try:
            assert catch.stdout is not None
            armed = [json.loads(catch.stdout.readline())["pid"] for _ in range(shop.count)]
            assert len(set(armed)) == shop.count
            yield catch
        finally:
            catch.kill()


def answers(shop: Server) -> Counter[tuple[str, int, str]]:
    """Order everything some times, four at once; what came back how often, without the orders' numbers."""
    with ThreadPoolExecutor(4) as customers:
        return Counter(customers.map(lambda order: place(shop.port, order), ORDERS * ROUNDS))


def place(port: int, order: dict[str, str]) -> tuple[str, int, str]:
    """Place one order: which, the status, the answer."""
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Cookie": "eyJhbGciOiJub25lIn0.eyJzdWIiOiJjdXN0b21lciJ9.ZmFtaWx5LXNlY3JldA"}
    try:
        connection.request("POST", "/checkout", urlencode(order), headers)
        answer = connection.getresponse()
        return order["items"], answer.status, re.sub(r"R?88\d+", "N", answer.read().decode())
    except (OSError, HTTPException) as error:
        return order["items"], 0, str(error)
    finally:
        connection.close()
