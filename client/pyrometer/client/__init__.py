"""The command line: knows the gRPC API only, and how to start a server somewhere."""

from __future__ import annotations

VERSION = "0.1.0"
