"""Expressions and templates: whatever text comes, it is refused in words or means what it means in Python.

Half of the inputs are texts as they are, half are put together from pieces that are nearly right. What is taken is run
on builtin values, as a value and as a condition, and compared with `eval`; and on objects whose methods are traps.
"""

from __future__ import annotations

import sys
import time
import warnings

import atheris

with atheris.instrument_imports(include=["pyrometer"]):
    from pyrometer.agent.expressions import EvaluationError, compile_expression
    from pyrometer.agent.loglines import Template, compile_template
    from pyrometer.agent.nodes import Redacted
    from pyrometer.agent.values import Capture
    from pyrometer.guard.redaction import Redactor
    from pyrometer.link.errors import LinkError
    from pyrometer.link.model import ProbeLimits

_REDACTOR = Redactor()
_SLOWEST = 0.5
"""Seconds that no compilation or evaluation takes, instrumented and on a busy machine."""
_SECRETS = ("hunter2", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N")
_TOKENS = [
    *(
        "a",
        "b",
        "c",
        "d",
        "s",
        "n",
        "x",
        "trap",
        "secret",
        ".total",
        ".password",
        ".name",
        "['a']",
        "[0]",
        "[-1]",
        "[1:2]",
    ),
    *(
        "==",
        "!=",
        "<",
        ">=",
        " in ",
        " not in ",
        " is ",
        " is not ",
        "+",
        "-",
        "*",
        "/",
        "//",
        "%",
        "&",
        "not ",
        " and ",
    ),
    *(
        " or ",
        " if ",
        " else ",
        " for ",
        "[x for x in ",
        "{x for x in ",
        "{x: x for x in ",
        "any(x for x in ",
        "for x, y in ",
    ),
    *(
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        "0",
        "1",
        "-1",
        "2.5",
        "1e999",
        "10",
        "'a'",
        "'b,c'",
        "b'a'",
        "None",
        "True",
    ),
    *("len(", "min(", "max(", "sum(", "sorted(", "abs(", "any(", "all(", "str(", "int(", "float(", "round(", "type("),
    *("isinstance(", ".items()", ".keys()", ".values()", ".get(", ".lower()", ".split(", ".startswith(", ".count("),
    *(
        "f'{",
        "}'",
        "!r}",
        ":>5}",
        "{",
        "}}",
        "{{",
        "=}",
        "lambda ",
        "__class__",
        ".__class__",
        ".gi_frame",
        "x := ",
        "'",
        '"',
    ),
    *(
        "int",
        "(int, str)",
        "\\",
        "'\\x41'",
        "rf'",
        "async ",
        "await ",
        "yield ",
        "*",
        "**",
        "~",
        "@",
        "|",
        "<<",
        "#",
        ";",
        "\n",
    ),
]
_CALLS: list[str] = []


def _trap(name: str) -> object:
    def trap(*_: object) -> object:
        _CALLS.append(name)
        raise RuntimeError(name)

    return trap


_NAMES = (
    *("getattr", "eq", "ne", "lt", "le", "gt", "ge", "hash", "bool", "len", "iter", "contains", "getitem", "str"),
    *("repr", "format", "int", "float", "index", "add", "radd", "mul", "sub", "neg", "abs", "round", "call", "missing"),
)
_META = type(
    "Meta", (type,), {f"__{name}__": _trap(f"meta {name}") for name in ("eq", "instancecheck", "call", "getattr")}
)
_META.__hash__ = type.__hash__  # type: ignore[method-assign]
_TRAP = type.__call__(
    _META,
    "Trap",
    (),
    {**{f"__{name}__": _trap(name) for name in _NAMES}, "total": property(_trap("total"))},  # type: ignore[arg-type]
)
_PLAIN = {
    "a": 5,
    "b": [3, 1, 2],
    "c": {"a": 1, "b": [2], 7: None},
    "d": [("a", 1), ("b", 2)],
    "s": "a,b,ü",
    "n": None,
    "x": 2.5,
}
_ALL = {**_PLAIN, "trap": object.__new__(_TRAP), "secret": [{"password": _SECRETS[0]}, _SECRETS[1]]}
_FAILURES = (TypeError, ValueError, KeyError, IndexError, ArithmeticError, AttributeError, NameError)


def test_one(data: bytes) -> None:
    """One text, as an expression, a condition and a template."""
    provider = atheris.FuzzedDataProvider(data)
    if provider.ConsumeBool():
        text = "".join([provider.PickValueInList(_TOKENS) for _ in range(provider.ConsumeIntInRange(1, 30))])
    else:
        text = provider.ConsumeUnicode(3000)
    began = time.thread_time()
    for condition in (False, True):
        _expression(text, condition=condition)
    _template(text)
    assert time.thread_time() - began < _SLOWEST, "too slow"
    assert not _CALLS, _CALLS


def _lookup(name: str) -> object:
    if name not in _ALL:
        raise EvaluationError(f"{name} has no value here")
    return _ALL[name]


def _expression(text: str, *, condition: bool) -> None:
    try:
        compiled = compile_expression(text, _REDACTOR, condition=condition)
        result = compiled.test(_lookup) if condition else compiled.evaluate(_lookup)
    except (LinkError, EvaluationError):
        return
    if type(result) is Redacted:
        return
    shown = repr(Capture(ProbeLimits(), _REDACTOR).value(result))
    assert not any(secret in shown for secret in _SECRETS), shown
    if "trap" not in compiled.names and "secret" not in compiled.names:
        _compare(text, result, condition=condition)


def _compare(text: str, result: object, *, condition: bool) -> None:
    """What comes out is what Python makes of it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = eval(text.strip(" \t"), dict(_PLAIN))  # noqa: S307 - what was taken runs nothing
    if condition:
        assert result is bool(expected), (text, result, expected)
    else:
        assert (type(result), repr(result)) == (type(expected), repr(expected)), (text, result, expected)


def _template(text: str) -> None:
    try:
        compiled = compile_template(text, _REDACTOR)
    except LinkError:
        return
    line = _line(compiled)
    assert line.isprintable()
    assert len(line) <= 2000
    assert not any(secret in line for secret in _SECRETS if secret not in text), line


def _line(compiled: Template) -> str:
    """What a template says in a frame that has the values as its globals."""
    frame = eval("getframe()", {**_ALL, "getframe": sys._getframe})  # noqa: S307
    return compiled.line(frame, Capture(ProbeLimits(), _REDACTOR), 500).to_wire()


if __name__ == "__main__":
    from pyrometer.agent import frames

    frames.prepare()
    atheris.Setup(sys.argv, test_one)
    atheris.Fuzz()
