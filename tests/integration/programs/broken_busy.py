"""Broken: one thread spins for ever, others wait for work.

python broken_busy.py SERVICE
"""

import queue
import sys
import threading

from pyrometer.agent import start


def spin():
    while True:
        pass


def worker(jobs):
    while True:
        jobs.get()


start(service=sys.argv[1])
jobs = queue.Queue()
for number in range(3):
    threading.Thread(target=worker, args=(jobs,), name=f"worker-{number}", daemon=True).start()
threading.Thread(target=spin, name="spinner", daemon=True).start()
print("ready", flush=True)
sys.stdin.read()
