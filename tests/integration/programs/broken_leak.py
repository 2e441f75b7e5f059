"""Broken: what each request leaves behind is kept for ever.

python broken_leak.py SERVICE
"""

import sys
import time

from pyrometer.agent import start

kept = []


def remember():
    kept.append(bytearray(200_000))


start(service=sys.argv[1])
print("ready", flush=True)
while True:
    remember()
    time.sleep(0.05)
