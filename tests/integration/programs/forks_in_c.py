"""Forks as uWSGI does: in C, the interpreter told in the child only, before anything has been loaded; both wait."""

from __future__ import annotations

import ctypes
import time

if ctypes.CDLL(None).fork() == 0:
    ctypes.pythonapi.PyOS_AfterFork_Child()
while True:
    time.sleep(60)
