"""A service with the agent and the work of `work.py`. Argument: service."""

from __future__ import annotations

import sys

import talk
import work

import pyrometer.agent

pyrometer.agent.start(service=sys.argv[1], strict=True)
talk.serve(work.COMMANDS)
