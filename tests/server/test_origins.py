"""Whose code a file is."""

from __future__ import annotations

import pytest

from pyrometer.client.profile import paths
from pyrometer.server.origins import origin_of


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("/srv/shop/pricing.py", "SERVICE"),
        ("/srv/venv/lib/python3.12/site-packages/flask/app.py", "LIBRARY"),
        ("/usr/lib/python3/dist-packages/apt/cache.py", "LIBRARY"),
        ("/usr/lib/python3.12/threading.py", "STDLIB"),
        ("/opt/own/stdlib/queue.py", "STDLIB"),
        ("<frozen runpy>", "STDLIB"),
        ("/srv/venv/bin/gunicorn", "LIBRARY"),
        ("/srv/shop/bin/work.py", "SERVICE"),
        ("/lib/x86_64-linux-gnu/libpthread.so.0", "NATIVE"),
        ("/srv/venv/lib/python3.12/site-packages/numpy/core.so", "NATIVE"),
        ("<string>", "LIBRARY"),
        ("/srv/venv/lib/python3.12/site-packages/pyrometer/demo/app/shop/pricing.py", "SERVICE"),
        ("/srv/venv/lib/python3.12/site-packages/pyrometer/agent/service.py", "LIBRARY"),
    ],
)
def test_stacks_and_flame_graphs_agree(file: str, expected: str) -> None:
    """The server tells it of stacks, the client of profiles; the demo is a service wherever it is installed."""
    prefixes = ["/opt/own/stdlib"]
    assert origin_of(file, prefixes) == expected
    assert paths.origin_of(file, prefixes).name == expected
