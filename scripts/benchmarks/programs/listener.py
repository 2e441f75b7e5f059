"""A client of the gRPC server of `forker.py`, with a stream open. Argument: the port."""

from __future__ import annotations

import sys

import grpc
import talk

with grpc.insecure_channel(f"127.0.0.1:{sys.argv[1]}") as channel:
    answers = channel.unary_stream("/Bench/Stream")(b"")
    next(answers)
    talk.serve({})
