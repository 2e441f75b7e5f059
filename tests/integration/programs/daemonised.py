"""`daemonised.py PIDFILE`: becomes a daemon by python-daemon: two forks, all descriptors closed, no terminal."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import daemon

with daemon.DaemonContext():
    Path(sys.argv[1]).write_text(str(os.getpid()))
    while True:
        time.sleep(60)
