"""A service whose threads wait for each other, in the way that its second argument names; prints `ready` when they do."""

from __future__ import annotations

import ctypes  # noqa: F401 - as many services do; from 3.14 on the agent reads frames only where it is there
import queue
import sys
import threading
import time

import pyrometer.agent

pyrometer.agent.start(service=sys.argv[1], strict=True)


class Account:
    def __init__(self):
        self.lock = threading.Lock()
        self.again = threading.RLock()


class Bank:
    def __init__(self):
        self.ledger, self.audit = Account(), Account()
        self.both = threading.Barrier(2)
        self.orders = queue.Queue()
        self.worker = None

    def transfer(self):
        with self.ledger.lock:
            self.both.wait()
            with self.audit.lock:
                pass

    def close_day(self):
        with self.audit.lock:
            self.both.wait()
            with self.ledger.lock:
                pass

    def transfer_again(self):
        with self.ledger.again, self.ledger.again:
            self.both.wait()
            self.audit.again.acquire()

    def close_day_again(self):
        self.audit.again.acquire()
        self.both.wait()
        with self.ledger.again:
            pass

    def twice(self):
        with self.ledger.lock:
            with self.ledger.lock:
                pass

    def stop_worker(self):
        with self.ledger.lock:
            self.both.wait()
            self.worker.join()

    def finish(self):
        self.worker = threading.current_thread()
        self.both.wait()
        with self.ledger.lock:
            pass

    def work(self):
        while self.orders.get() is not None:
            pass

    def audit_in_turn(self, first, second):
        """Order upside down, but behind a gate: never a deadlock."""
        while True:
            with self.gate:
                with first:
                    with second:
                        sum(range(100))


def start(*works):
    for number, work in enumerate(works, 1):
        threading.Thread(target=work, daemon=True, name=f"Thread-{number}").start()


bank = Bank()
bank.gate = threading.Lock()
ledger, audit = bank.ledger.lock, bank.audit.lock
start(
    *{
        "locks": (bank.transfer, bank.close_day),
        "again": (bank.transfer_again, bank.close_day_again),
        "alone": (bank.twice,),
        "join": (bank.stop_worker, bank.finish),
        "pool": (bank.work,) * 4,
        "turns": (lambda: bank.audit_in_turn(ledger, audit), lambda: bank.audit_in_turn(audit, ledger)),
    }[sys.argv[2]]
)
if sys.argv[2] == "turns":
    sys.setswitchinterval(1e-5)
time.sleep(0.3)
print("ready", flush=True)
sys.stdin.read()
