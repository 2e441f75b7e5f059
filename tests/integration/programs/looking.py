"""Opens a look at a target, says `ready`, and keeps it open until its stdin ends. Arguments: TARGET [INTERPRETER]."""

from __future__ import annotations

import sys

from pyrometer.client.options import Where
from pyrometer.client.session import open_look
from pyrometer.client.targets import RemoteOptions, parse_target
from pyrometer.v1 import process_service_pb2 as messages

options = RemoteOptions(server_python=sys.argv[2] if len(sys.argv) > 2 else None)
with open_look(Where(parse_target(sys.argv[1]), options)) as look:
    look.call("ListProcesses", messages.ListProcessesRequest(), timeout=30)
    print("ready", flush=True)
    sys.stdin.read()
