"""The shop for a WSGI server: `gunicorn pyrometer.demo.wsgi`.

It puts the program's folder on `sys.path`, so that the code is the package `shop` here too.
"""

from __future__ import annotations

import sys
from pathlib import Path

APP = Path(__file__).with_name("app")
"""The program's folder; `gunicorn --pythonpath APP shop.wsgi` does the same from outside."""

if str(APP) not in sys.path:
    sys.path.insert(0, str(APP))

from shop.wsgi import application  # noqa: E402  (the folder had to be found first)

__all__ = ["APP", "application"]
