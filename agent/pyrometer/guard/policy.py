"""placeholder of the lead, replaced by the guard engineer's"""
from __future__ import annotations
from typing import NamedTuple, Mapping
class Policy(NamedTuple):
    enabled: bool = True
    values: str = "full"
    peers: str = "namespace"
def load(environ: Mapping[str, str], euid: int) -> Policy:
    return Policy(enabled=environ.get("PYROMETER_DISABLE", "") in ("", "0"))
