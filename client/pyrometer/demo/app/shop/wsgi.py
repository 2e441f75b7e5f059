"""The shop as a WSGI application: `gunicorn shop.wsgi`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from shop.views import Request, answer

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

STATUS = {200: "200 OK", 404: "404 Not Found", 422: "422 Unprocessable Content"}
MAX_FORM = 64 * 1024
"""Bytes of a request's body that are read."""


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer one request."""
    session = environ.get("HTTP_COOKIE", "")
    code, text = answer(Request(environ["REQUEST_METHOD"], environ["PATH_INFO"], _form(environ), session))
    body = text.encode() + b"\n"
    start_response(STATUS[code], [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))])
    return [body]


def _form(environ: WSGIEnvironment) -> dict[str, str]:
    """Read the fields that came with a request, from its body or its query."""
    length = environ.get("CONTENT_LENGTH") or "0"
    body = environ["wsgi.input"].read(min(int(length), MAX_FORM)) if length.isdigit() else b""
    return dict(parse_qsl(body.decode("utf-8", "replace") or environ.get("QUERY_STRING", "")))
