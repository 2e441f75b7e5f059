"""The work of `work.py` under Datadog's dynamic instrumentation, as `DD_DYNAMIC_INSTRUMENTATION_PROBE_FILE` arms it.

`arm` takes the name of a line and what is done there: all kinds capture, and `false` has a condition that is false.
There is no collector to send anything to; all else is as in production.
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
from typing import Any

import talk
import work

_RATE = 5000
_FALSE = {"dsl": "number < 0", "json": {"lt": [{"ref": "number"}, 0]}}


def arm(place: str, kind: str) -> bool:
    """Arm a probe at a line."""
    probe: dict[str, Any] = {
        "id": "bench",
        "version": 0,
        "type": "LOG_PROBE",
        "where": {"sourceFile": work.__file__, "lines": [str(work.lines()[place])]},
        "template": "hit",
        "segments": [{"str": "hit"}],
        "captureSnapshot": True,
        "sampling": {"snapshotsPerSecond": _RATE},
    }
    if kind == "false":
        probe["when"] = _FALSE
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump([probe], file)
        file.flush()
        os.environ.update(
            DD_DYNAMIC_INSTRUMENTATION_ENABLED="true",
            DD_DYNAMIC_INSTRUMENTATION_PROBE_FILE=file.name,
            DD_TRACE_ENABLED="false",
            DD_INSTRUMENTATION_TELEMETRY_ENABLED="false",
        )
        from ddtrace.debugging import DynamicInstrumentation

        logging.disable()
        DynamicInstrumentation.enable()
    return True


talk.serve({**work.COMMANDS, "arm": arm})
