"""Broken: four workers, one of which is kept up by each of its requests; the others answer at once.

python broken_worker.py SERVICE
"""

import os
import signal
import sys
import time

from pyrometer.agent import start

WORKERS = 4


def query(slow):
    time.sleep(0.5 if slow else 0.002)


def handle(slow):
    query(slow)


def idle():
    time.sleep(0.02)


def work(number):
    while True:
        idle()
        handle(slow=number == 2)


start(service=sys.argv[1])
children = []
for number in range(WORKERS):
    pid = os.fork()
    if not pid:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        work(number)
    children.append(pid)
print("ready", *children, flush=True)
sys.stdin.read()
for pid in children:
    os.kill(pid, signal.SIGTERM)
