"""Collapsed stacks: what other tools draw of ours, and what is read of theirs."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from html import unescape

import pytest
from tests.client.profile import examples
from tests.support.needs import find_flamegraph

from pyrometer.client.profile import collapsed, reading
from pyrometer.client.profile.assembly import clean
from pyrometer.client.profile.model import NotAProfile, Profile, Sample

_HOSTILE = ["a;b", "a b 12", "<b>&amp;", "x\ny 3", "\x1b[2J", "名前", "_[k]"]


def drawn(profile: Profile) -> list[tuple[str, int]]:
    """The frames that flamegraph.pl draws, each with its samples."""
    command = [find_flamegraph() or "", "--minwidth=0"]
    done = subprocess.run(["perl", *command], input=collapsed.write(profile), capture_output=True, check=True)
    assert done.stderr == b""
    titles = re.findall(r"<title>(.*) \((\d+) samples, [^)]*\)</title>", done.stdout.decode())
    return [(unescape(title), int(samples)) for title, samples in titles]


def test_a_line_is_a_stack() -> None:
    """Process, thread, functions outermost first, and how often; equal ones are added up."""
    assert collapsed.write(examples.profile()).decode().splitlines() == [
        (
            'process 4107:"gunicorn: worker";thread (4107): MainThread;'
            "run (/usr/lib/python3.11/site-packages/flask/app.py);main (/srv/shop/app.py);hot (/srv/shop/pricing.py) 6"
        ),
        (
            "process 4108;thread (4109);loads (/opt/odd/json/decoder.py);hot (/srv/shop/pricing.py);"
            "hot (/srv/shop/pricing.py) 1"
        ),
        (
            "process 4108;thread (4109);run (/usr/lib/python3.11/site-packages/flask/app.py);main (/srv/shop/app.py);"
            "loads (/opt/odd/json/decoder.py) 3"
        ),
    ]


@pytest.mark.needs("flamegraph.pl")
def test_another_tool_draws_it() -> None:
    """Every frame, with the samples that are in it."""
    expected = [
        ("all", 10),
        ('process 4107:"gunicorn: worker"', 6),
        ("hot (/srv/shop/pricing.py)", 6),
        ("loads (/opt/odd/json/decoder.py)", 3),
        ("thread (4109)", 4),
    ]
    assert set(expected) <= set(drawn(examples.profile()))


@pytest.mark.needs("flamegraph.pl")
@pytest.mark.parametrize("name", _HOSTILE)
def test_another_tool_draws_hostile_names(name: str) -> None:
    """Fault 83: a name is one frame, whatever is in it."""
    found = [
        samples for title, samples in drawn(examples.profile(clean(name))) if title.endswith("(/srv/shop/pricing.py)")
    ]
    assert sorted(found) == [1, 1, 6]


@pytest.mark.parametrize("name", ["hot", *_HOSTILE])
def test_what_was_written_is_read_back(name: str) -> None:
    """Stacks by process and thread, whatever the functions are called."""
    profile = examples.profile(clean(name))
    found = reading.read(collapsed.write(profile))
    expected = {
        (pid, thread, tuple(each.replace(";", ":") for each in stack)): count
        for (pid, thread, stack), count in examples.seen(profile, counts=True).items()
    }
    assert examples.seen(found) == expected
    assert {(process.pid, process.command) for process in found.processes} >= {(4107, "gunicorn: worker"), (4108, "")}


def test_processes_that_were_looked_at_less_often_count_for_more() -> None:
    """So the shares are those of the time; all together are as many as were taken, and no stack is lost."""
    first = Sample(((examples.MAIN, 1),), 0, 100_000, 10)
    slow = replace(examples.profile(), samples=(first, Sample(((examples.HOT, 80),), 1, 200_000, 10)))
    assert list(collapsed.weights(slow)) == [7, 13]
    rare = replace(slow, samples=(Sample(((examples.MAIN, 1),), 0, 100, 1), first, first))
    assert list(collapsed.weights(rare)) == [1, 10, 10]


def test_values_without_counts_stay_as_they_are() -> None:
    """Another's bytes are bytes."""
    assert list(collapsed.weights(examples.of_others())) == [3, 4]


def test_another_s_file_is_read() -> None:
    """As py-spy, austin and perf write it: with lines, without files, with fractions and comments."""
    text = "# made elsewhere\nP 7;main (app.py:3);hot (shop/pricing.py:25) 12\n\nswapper;[unknown] 3.0\nhot 1\n"
    found = reading.read(text.encode())
    assert examples.seen(found) == {
        (0, "", ("P 7", "main", "hot")): 12,
        (0, "", ("swapper", "[unknown]")): 3,
        (0, "", ("hot",)): 1,
    }
    assert dict(zip([each.name for each in found.functions], found.lines, strict=True))["hot"] in (0, 25)
    assert (found.kind, found.unit, found.count) == ("samples", "count", 16)


@pytest.mark.parametrize("text", [b"a;b 1\nno number here\n", b"a 0\n", b"a 1\n\xff\xfe 2\n"])
def test_what_is_broken_is_refused(text: bytes) -> None:
    """With words for people."""
    with pytest.raises(NotAProfile):
        reading.read(text)
