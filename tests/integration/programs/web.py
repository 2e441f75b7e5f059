"""A page for real web servers, by WSGI (`web:wsgi`) and by ASGI (`web:asgi`); it says which process answered."""

from __future__ import annotations

import os
import random

random.seed(b"once")  # it imports more the first time, which a worker of another user may not be able to read


def wsgi(environ, start_response):
    body = f"{os.getpid()}\n".encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


async def asgi(scope, receive, send):
    if scope["type"] != "http":
        return
    body = f"{os.getpid()}\n".encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": body})
