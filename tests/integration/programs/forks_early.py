"""Forks at the moment at which `pyrometer run` has begun to load the agent in another thread; both processes wait."""

from __future__ import annotations

import os
import sys
import time

while "pyrometer.agent" not in sys.modules:
    time.sleep(0)
os.fork()
while True:
    time.sleep(60)
