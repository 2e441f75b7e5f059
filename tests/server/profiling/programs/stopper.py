"""Stops a process and runs until it is killed: `stopper.py PID`."""

import os
import signal
import sys
import time

signal.signal(signal.SIGINT, signal.SIG_IGN)
os.kill(int(sys.argv[1]), signal.SIGSTOP)
print("begun", flush=True)
time.sleep(600)
