"""A profile as text, for who has no browser."""

from __future__ import annotations

from dataclasses import replace

from tests.client.profile import examples

from pyrometer.client.profile import outline
from pyrometer.client.profile.model import Sample
from pyrometer.client.render.terminal import Style

HOT, LOADS, MAIN, RUN = examples.HOT, examples.LOADS, examples.MAIN, examples.RUN


def test_the_heaviest_ways_are_a_tree() -> None:
    """Outermost first; a library's function that only calls one other is counted, not shown."""
    assert list(outline.ways(examples.profile(), Style(enabled=False), 80)) == [
        " TOTAL    SELF   CALLED",
        "  90 %           run   flask/app.py:9",
        "  90 %             main   shop/app.py:12",
        "  60 %    60 %       hot   shop/pricing.py:80",
        "  30 %    30 %       loads   /opt/odd/json/decoder.py:343",
        "  10 %           loads   /opt/odd/json/decoder.py:343",
        "  10 %             hot   shop/pricing.py:80",
        "  10 %    10 %       hot   shop/pricing.py:80",
    ]


def test_what_only_leads_somewhere_is_folded() -> None:
    """Frameworks are a dozen frames deep before one's own code comes."""
    deep = Sample(((HOT, 80), (RUN, 9), (LOADS, 1), (RUN, 9)), 0, 100, 1)
    found = list(outline.ways(replace(examples.profile(), samples=(deep,)), Style(enabled=False), 80))
    assert found[1:] == [" 100 %   100 %   … 3 ▸ hot   shop/pricing.py:80"]


def test_a_runaway_recursion_keeps_to_the_width() -> None:
    """And to a screen or two, also where none of it is one's own."""
    folded = Sample(((RUN, 9),) * 5000, 0, 100, 1)
    assert len(list(outline.ways(replace(examples.profile(), samples=(folded,)), Style(enabled=False), 60))) == 1
    deep = replace(examples.profile(), samples=(Sample(((HOT, 80),) * 400, 0, 100, 1),))
    found = list(outline.ways(deep, Style(enabled=False), 60))
    assert len(found) < 70
    assert max(map(len, found)) <= 60 + 20


def test_the_busiest_threads_come_first() -> None:
    """With their processes; one thread alone is not listed."""
    assert list(outline.threads(examples.profile())) == [
        " TOTAL    PID   THREAD",
        "  60 %   4107   MainThread",
        "  40 %   4108   thread 4109",
    ]
    assert list(outline.threads(examples.of_others())) == []
