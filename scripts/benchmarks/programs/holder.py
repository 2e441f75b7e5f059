"""A service whose only thread holds the GIL in C, for as long as it lives."""

from __future__ import annotations

import ctypes
import signal
import sys

import talk

import pyrometer.agent

_PR_SET_PDEATHSIG = 1

pyrometer.agent.start(service=sys.argv[1], strict=True)
ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)  # the end of its stdin can't end it
talk.say("ready")
ctypes.PyDLL(None).sleep(3600)
