"""Broken: two threads, each with a lock that the other one wants; a pool of workers idles beside them.

python broken_deadlock.py SERVICE
"""

import ctypes  # noqa: F401 - as many services do; from 3.14 on the agent reads frames only where it is there
import queue
import sys
import threading

from pyrometer.agent import start

ledger = threading.Lock()
audit = threading.Lock()
both = threading.Barrier(3)


def transfer():
    with ledger:
        both.wait()
        with audit:
            pass


def close_day():
    with audit:
        both.wait()
        with ledger:
            pass


def worker(jobs):
    while True:
        jobs.get()


start(service=sys.argv[1])
jobs = queue.Queue()
for number in range(3):
    threading.Thread(target=worker, args=(jobs,), name=f"worker-{number}", daemon=True).start()
threading.Thread(target=transfer, name="transfer", daemon=True).start()
threading.Thread(target=close_day, name="close-day", daemon=True).start()
both.wait()
print("ready", flush=True)
sys.stdin.read()
