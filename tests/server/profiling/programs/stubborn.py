"""Runs until it is killed; with `polite` until it is interrupted."""

import signal
import sys
import time

if sys.argv[1:] != ["polite"]:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
try:
    print("begun", flush=True)
    time.sleep(600)
except KeyboardInterrupt:
    print("interrupted", flush=True)
