"""Broken: four workers, one of which is kept up by each of its requests; the others answer at once.

python broken_worker.py SERVICE
"""

import os
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


def work(number, parent):
    while os.getppid() == parent:
        idle()
        handle(slow=number == 2)
    os._exit(0)


start(service=sys.argv[1])
parent = os.getpid()
children = []
for number in range(WORKERS):
    pid = os.fork()
    if not pid:
        work(number, parent)
    children.append(pid)
print("ready", *children, flush=True)
sys.stdin.read()
