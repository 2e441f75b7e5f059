"""The agent's other half, beside the target: the gRPC API over links to agents, and over a reader from outside.

`python -P -m pyrometer.server` serves one look on its stdin and stdout and ends with them.
"""
