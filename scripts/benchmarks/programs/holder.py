"""A service whose only thread holds the GIL in C, for as long as it lives."""

from __future__ import annotations

import ctypes
import sys

import talk

import pyrometer.agent

pyrometer.agent.start(service=sys.argv[1], strict=True)
talk.say("ready")
ctypes.PyDLL(None).sleep(3600)
