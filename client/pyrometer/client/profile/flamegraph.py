"""A profile as one page: a flame graph that needs no network, no server and no WebGL.

The page is a template with the profile's data in it, as JSON in which `<` is escaped; every name reaches the page as
text. Stacks travel as flat arrays, so that a hundred thousand of them are read in no time.
"""

from __future__ import annotations

import html
import json
import time
from importlib import resources
from typing import Any

from pyrometer.client.profile import table
from pyrometer.client.profile.model import Profile
from pyrometer.client.profile.paths import Origin

_ORIGINS = {origin: index for index, origin in enumerate(Origin)}


def render(profile: Profile) -> str:
    """Make the page."""
    template = resources.files(__package__).joinpath("flamegraph.html").read_text(encoding="utf-8")
    page, _, rest = template.partition("@DATA@")
    title = f"{profile.service or 'profile'}: flame graph"
    return page.replace("@TITLE@", html.escape(title)) + _json(_data(profile, title)) + rest


def _data(profile: Profile, title: str) -> dict[str, Any]:
    return {
        "title": title,
        "facts": _facts(profile),
        "unit": profile.unit,
        "functions": [
            [function.name, _where(profile, index), _ORIGINS[function.origin]]
            for index, function in enumerate(profile.functions)
        ],
        "processes": [_process_name(process.pid, process.command) for process in profile.processes],
        "threads": [[thread.process, thread.name] for thread in profile.threads],
        "lengths": [len(sample.frames) for sample in profile.samples],
        "frames": [function for sample in profile.samples for function, _ in sample.frames],
        "values": [sample.value for sample in profile.samples],
        "stackThreads": [sample.thread for sample in profile.samples],
    }


def _facts(profile: Profile) -> str:
    began = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(profile.began)) if profile.began else ""
    return " · ".join(filter(None, [began, table.summary(profile)]))


def _where(profile: Profile, index: int) -> str:
    line = profile.lines[index]
    return f"{profile.shortened[index]}{f':{line}' if line else ''}"


def _process_name(pid: int, command: str) -> str:
    return f"{pid or 'process'}  {command}".strip()[:120]


def _json(data: dict[str, Any]) -> str:
    """JSON that can stand in a script element: nothing in it ends that, or begins a comment."""
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=True)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
