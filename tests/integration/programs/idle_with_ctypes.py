"""As `idle`, with ctypes imported, as many services have it."""

import ctypes  # noqa: F401
import runpy
from pathlib import Path

runpy.run_path(str(Path(__file__).with_name("idle.py")))
