"""Has one secret in each of the places where services keep theirs, and stops there at `stop`."""

import collections
import dataclasses
import enum
import functools
import json
import types
import urllib.parse

Login = collections.namedtuple("Login", "user password")  # noqa: PYI024


class Field(enum.StrEnum):
    PASSWORD = "field_7"
    SIGNED = "Authorization"


class Client:
    def __init__(self, secret):
        self.api_key = secret
        self.__session_token = secret


class Slotted:
    __slots__ = ("db_password",)


@dataclasses.dataclass
class Config:
    host: str
    aws_secret_access_key: str


class Declined(Exception):
    def __init__(self, message, secret):
        super().__init__(message)
        self.auth_header = secret


def stop(seen):
    return seen  # stop


def slotted(secret):
    made = Slotted()
    made.db_password = secret
    return made


def by_keyword(**kwargs):
    return stop(kwargs)


def by_parameter(password, *args):
    return stop(None)


def by_closure(password):
    def inner():
        stop(None)
        return password

    return inner()


def by_generator(token):
    stop(None)
    yield token


def by_exception(message, secret, cause=None):
    try:
        raise Declined(message, secret) from cause
    except Declined as error:
        stop(error)


def login(user, password, options=None):
    session_token = password
    return {"token": session_token, "options": options}  # login


def write_down(secret):
    """A document in which it has a name, as text."""
    return json.dumps({"user": "ann", "password": secret, "n": 1})


NAMED = {
    "a key of a dictionary": lambda secret: stop({"password": secret}),
    "a key of bytes": lambda secret: stop({b"password": secret.encode()}),
    "a key deep inside": lambda secret: stop({"a": [{"b": ({"clientSecret": secret},)}]}),
    "a key that is a member of an enumeration": lambda secret: stop({Field.PASSWORD: secret, Field.SIGNED: secret}),
    "a container under a name": lambda secret: stop({"credentials": ["ann", secret]}),
    "an attribute": lambda secret: stop(Client(secret)),
    "a slot": lambda secret: stop(slotted(secret)),
    "a dataclass": lambda secret: stop(Config("db", secret)),
    "a named tuple": lambda secret: stop(Login("ann", secret)),
    "a namespace": lambda secret: stop(types.SimpleNamespace(access_token=secret)),
    "a partial call": lambda secret: stop(functools.partial(login, password=secret)),
    "keyword arguments": lambda secret: by_keyword(password=secret),
    "a parameter": lambda secret: by_parameter(secret),
    "a closure": lambda secret: by_closure(secret),
    "a generator": lambda secret: next(by_generator(secret)),
    "an exception's attribute": lambda secret: by_exception("declined", secret),
    "headers": lambda secret: stop(
        [("Host", "x"), ("Authorization", f"Custom {secret}"), [b"cookie", secret.encode()]]
    ),
    "an environment": lambda secret: stop({"PATH": "/bin", "DB_PASSWORD": secret}),
    "a command line": lambda secret: stop(["mysql", "--user", "ann", "--password", secret, "shop"]),
    "an ordered dictionary": lambda secret: stop(collections.OrderedDict(user="ann", apiKey=secret)),
    "a chain of maps": lambda secret: stop(collections.ChainMap({"secret": secret})),
}
WRITTEN = {
    "a row of an environment": lambda secret: f"AWS_SECRET_ACCESS_KEY={secret}",
    "a statement of SQL": lambda secret: f"UPDATE users SET password = '{secret}' WHERE id = 7",
    "a URL's query": lambda secret: f"https://example.org/reset?next=%2F&token={secret}",
    "a URL's userinfo": lambda secret: f"postgres://shop:{secret}@db.example.org/shop",
    "raw headers": lambda secret: f"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Custom {secret}\r\n\r\n",
    "a form": lambda secret: urllib.parse.urlencode({"user": "ann", "password": secret}),
    "JSON": write_down,
    "JSON in JSON": lambda secret: json.dumps({"payload": write_down(secret)}),
    "JSON in JSON in JSON": lambda secret: json.dumps([json.dumps({"payload": write_down(secret)})]),
    "a written dictionary": lambda secret: repr({"user": "ann", "api_key": secret}),
    "a command": lambda secret: f"mysql --user ann --password {secret} shop",
    "a message": lambda secret: f"login failed for ann, password={secret}",
}
"""Texts that say its name; `ways` has them as values, as bytes, and as messages of exceptions."""


def ways():
    """Names and functions of a secret; each calls `stop` once."""
    yield from NAMED.items()
    for name, write in WRITTEN.items():
        yield name, lambda secret, write=write: stop(write(secret))
        yield f"{name}, as bytes", lambda secret, write=write: stop([write(secret).encode()])
        yield (
            f"{name}, in an exception",
            lambda secret, write=write: by_exception(write(secret), None, ValueError(write(secret))),
        )


def looking_like_one(text):
    """What has no name, or an innocent one, and gives itself away."""
    stop({"note": text, "blob": text.encode(), "notes": [f"see {text} there"]})
    by_exception(f"can't use {text}", None)
