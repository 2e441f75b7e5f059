"""Whose code a file holds, and what it is called in few characters."""

from __future__ import annotations

import pytest

from pyrometer.client.profile.paths import Origin, origin_of, shorten


@pytest.mark.parametrize(
    ("file", "origin"),
    [
        ("/srv/shop/views.py", Origin.SERVICE),
        ("/srv/shop/templates/cart.html", Origin.SERVICE),
        ("/srv/venv/lib/python3.12/site-packages/flask/app.py", Origin.LIBRARY),
        ("/usr/lib/python3/dist-packages/yaml/__init__.py", Origin.LIBRARY),
        ("/srv/venv/bin/gunicorn", Origin.LIBRARY),
        ("/srv/shop/bin/serve.py", Origin.SERVICE),
        ("/usr/lib/python3.12/json/decoder.py", Origin.STDLIB),
        ("/opt/py/lib/python3.13t/queue.py", Origin.STDLIB),
        ("<frozen runpy>", Origin.STDLIB),
        ("/opt/odd/json/decoder.py", Origin.STDLIB),
        ("_json.cpython-312-x86_64-linux-gnu.so", Origin.NATIVE),
        ("libpq.so.5", Origin.NATIVE),
        ("", Origin.NATIVE),
    ],
)
def test_a_path_tells_whose_code_it_is(file: str, origin: Origin) -> None:
    """With the help of the folders that the agent named."""
    assert origin_of(file, ("/opt/odd",)) is origin


def test_files_are_named_by_what_tells_them_apart() -> None:
    """The service's without what all share, others from their package on."""
    files = [
        ("/srv/shop/views.py", Origin.SERVICE),
        ("/srv/shop/cart/total.py", Origin.SERVICE),
        ("/srv/venv/lib/python3.12/site-packages/flask/app.py", Origin.LIBRARY),
        ("/usr/lib/python3.12/json/decoder.py", Origin.STDLIB),
        ("<frozen runpy>", Origin.STDLIB),
        ("", Origin.NATIVE),
    ]
    expected = ("shop/views.py", "shop/cart/total.py", "flask/app.py", "json/decoder.py", "<frozen runpy>", "")
    assert shorten(files) == expected
