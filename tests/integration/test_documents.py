"""What `-o json` and `-o jsonl` print, of real processes, held to docs/schemas: programs rely on every key."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from pyrometer.client.snapshots import reading
from tests.support import schemas
from tests.support.services import Typed, program, pyrometer, until

pytestmark = pytest.mark.once


class Shop(NamedTuple):
    """The demo, under load."""

    service: str
    pid: int


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    service = f"t{os.urandom(4).hex()}"
    command = [sys.executable, "-m", "pyrometer.client", "demo", "--service", service, "--for", "5m"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until(lambda: _answering(service) == 3, "a master and two workers")
    yield Shop(service, process.pid)
    process.send_signal(signal.SIGTERM)
    process.wait(30)


def _answering(service: str) -> int:
    typed = pyrometer("ps", service, "-o", "json")
    return 0 if typed.code else sum(found["agent"] == "ok" for found in typed.document["processes"])


def document(name: str, typed: Typed) -> Any:
    """The document that a command printed, held to its schema."""
    assert typed.code == 0, typed.err
    schemas.validate(name, typed.document)
    return typed.document


def events(typed: Typed) -> list[dict[str, Any]]:
    """The lines that a command printed, each held to the schema."""
    lines = [json.loads(line) for line in typed.out.splitlines()]
    for line in lines:
        schemas.validate("events", line)
    return lines


def test_ps(shop: Shop) -> None:
    """Those with the agent, and those without."""
    found = document("ps", pyrometer("ps", "-o", "json"))["processes"]
    assert {process["agent"] for process in found if process["service"] == shop.service} == {"ok"}
    assert any(process["agent"] == "none" for process in found)


def test_dump(shop: Shop) -> None:
    """Of all processes of a service, by their agents."""
    found = document("dump", pyrometer("dump", shop.service, "-o", "json"))["processes"]
    assert [process["source"] for process in found] == ["agent"] * 3


@pytest.mark.needs("py-spy")
def test_dump_of_a_process_without_the_agent() -> None:
    """From outside: with the reason, and without values."""
    with program("burner") as process:
        found = document("dump", pyrometer("dump", str(process.pid), "-o", "json"))["processes"]
    assert [(each["source"], bool(each["reason"]), each["service"]) for each in found] == [("outside", True, None)]


@pytest.mark.parametrize(
    ("source", "form"),
    [
        ("agent", "pprof"),
        ("agent", "speedscope"),
        pytest.param("outside", "html", marks=pytest.mark.needs("py-spy")),
        pytest.param("outside", "collapsed", marks=pytest.mark.needs("py-spy")),
    ],
)
def test_record(shop: Shop, tmp_path: Path, source: str, form: str) -> None:
    """Both sources, all forms; the file is there, and is opened again."""
    out = tmp_path / "profile"
    arguments = ("--source", source, "-f", form, "--out", str(out), "-d", "2s", "-o", "json")
    written = document("record", pyrometer("record", shop.service, *arguments))
    assert (written["source"], written["format"], written["file"]) == (source, form, str(out))
    assert written["hottest"]
    assert written["hottest"][0]["function"] in pyrometer("view", str(out), "--text").out


def test_catch(shop: Shop) -> None:
    """Armed in each process, hits with every frame's values, and how it ended."""
    arguments = ("--in", "shop.*", "--if", "order.total > 1000", "--expr", "order.total", "--expr", "card_number")
    lines = events(
        pyrometer("catch", shop.service, "PaymentError", *arguments, "-n", "2", "--for", "30s", "-o", "jsonl")
    )
    hits = [line for line in lines if line["event"] == "hit"]
    assert [line["event"] for line in lines[:3]] == ["armed"] * 3
    assert (len(hits), lines[-1]["event"]) == (2, "done")
    for hit in hits:
        assert hit["exception"]["type"] == "shop.errors.PaymentError"
        assert hit["expressions"]["order.total"]["value"] > 1000
        assert hit["expressions"]["card_number"]["kind"] == "redacted"
        assert hit["frames"][0]["locals"]["password"]["kind"] == "redacted"
    assert (lines[-1]["delivered"], lines[-1]["errors"]) == (2, [])


def test_snap(shop: Shop) -> None:
    """Values of many kinds, and a bound on the frames."""
    lines = events(pyrometer("snap", shop.service, "shop/views.py:34", "--frames", "2", "-n", "3", "-o", "jsonl"))
    hits = [line for line in lines if line["event"] == "hit"]
    assert [len(hit["frames"]) for hit in hits] == [2] * 3
    assert all(hit["frames_left_out"] > 0 for hit in hits)


def test_what_came_is_kept(shop: Shop, tmp_path: Path) -> None:
    """The events that are printed, in a page for its owner only; secrets are in neither, and `view` shows them."""
    out = tmp_path / "hit.html"
    words = ("--in", "shop.*", "--for", "30s", "--out", str(out))
    printed = events(pyrometer("catch", shop.service, "PaymentError", *words, "-o", "jsonl"))
    assert out.stat().st_mode & 0o777 == 0o600
    kept = reading.read(out.read_bytes())
    schemas.validate("snapshot", kept.document())
    assert kept.lines() == printed
    shown = pyrometer("view", str(out), "--text")
    assert (shown.code, "▸    50           raise PaymentError" in shown.out) == (0, True)
    assert "4000056655665556" not in out.read_text() + shown.out


def test_log(shop: Shop) -> None:
    """A line a hit, over all processes as many as were asked for; a secret is not in it, and values are not either."""
    template = "order {order.order_id:>6} of {order.customer.name!r}, card {order.customer.card_number}"
    lines = events(pyrometer("log", shop.service, "shop/views.py:34", template, "-n", "4", "-o", "jsonl"))
    hits = [line for line in lines if line["event"] == "hit"]
    assert (len(hits), lines[-1]["event"], lines[-1]["delivered"]) == (4, "done", 4)
    for hit in hits:
        assert re.fullmatch(r"order  *\d+ of '\w+', card <redacted: name>", hit["message"])
        assert [(frame["line"], frame["locals"]) for frame in hit["frames"]] == [(34, None)]


def test_a_log_line_reads_as_one(shop: Shop) -> None:
    """On a terminal: when, which process, which thread, what; nothing else on stdout."""
    typed = pyrometer("log", shop.service, "shop.pricing:total", "{len(order.items)=}", "-n", "2", "--for", "30s")
    assert typed.code == 0, typed.err
    for line in typed.out.splitlines():
        assert re.fullmatch(r"\d\d:\d\d:\d\d\.\d{3}  \d+  \S+ *  len\(order\.items\)=\d+", line)
    assert len(typed.out.splitlines()) == 2


@pytest.mark.parametrize("template", ["{order.total()}", "{order.total", "", "{order.total:%d}"])
def test_a_template_with_a_mistake_is_refused(shop: Shop, template: str) -> None:
    """Exit code 2, what is wrong and what to write instead."""
    typed = pyrometer("log", shop.service, "shop/views.py:34", template, "--for", "5s")
    assert (typed.code, typed.out, len(typed.err.splitlines())) == (2, "", 2)


def test_snap_that_waits_and_expires(shop: Shop) -> None:
    """`pending` says what for; exit code 5 comes after the last line, not instead of it."""
    typed = pyrometer("snap", shop.service, "nowhere.py:3", "--for", "2s", "-o", "jsonl")
    lines = events(typed)
    assert typed.code == 5
    assert [line["event"] for line in lines[:3]] == ["pending"] * 3
    assert (lines[-1]["event"], lines[-1]["pid"], lines[-1]["delivered"]) == ("expired", None, 0)


def test_probes(shop: Shop) -> None:
    """What another command has armed, whose it is, and what it has seen."""
    command = [sys.executable, "-m", "pyrometer.client", "catch", shop.service, "PaymentError", "--in", "shop.*"]
    watcher = subprocess.Popen([*command, "--if", "order.total < 0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        found = until(lambda: _reached(shop), "all have it, and an order is refused")
    finally:
        watcher.send_signal(signal.SIGINT)
        watcher.communicate(timeout=30)
    assert all(probe["by"].startswith(f"uid {os.getuid()}, pid ") for probe in found)
    assert all(probe["condition_false"] == probe["reached"] for probe in found)
    assert watcher.returncode == 130
    assert document("probes", pyrometer("probes", shop.service, "-o", "json"))["probes"] == []


def _reached(shop: Shop) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = document("probes", pyrometer("probes", shop.service, "-o", "json"))["probes"]
    everywhere = shop.pid in {probe["pid"] for probe in found}
    return found if everywhere and any(probe["reached"] for probe in found) else []


def test_doctor(shop: Shop) -> None:
    """With the agent, without it, and of nothing at all."""
    checks = document("doctor", pyrometer("doctor", str(shop.pid), "-o", "json"))["checks"]
    assert {check["name"] for check in checks if check["ok"]} >= {"process", "python", "agent"}
    document("doctor", pyrometer("doctor", str(os.getpid()), "-o", "json"))
    nothing = pyrometer("doctor", "4194305", "-o", "json")
    schemas.validate("doctor", nothing.document)
    assert nothing.code == 3
