"""Whether text is what code was made from: no false alarm on text that is, and small changes are noticed."""

from __future__ import annotations

import argparse
import calendar
import dataclasses
import gzip
import textwrap
import types
from collections.abc import Iterator

import pytest

from pyrometer.agent.writing import can_be_told, is_written_so

WRITTEN = '''
    import functools

    def plain(order, limit=3):
        """What it does."""
        total = order.total + 7
        if total > limit:
            return [total for total in range(total)]
        return f"{order.kind} costs {total!r}"

    class Cart(dict):
        __private = 1

        @functools.lru_cache(
            maxsize=3
        )
        def held(self, count):
            return super().get(self.__private, count) or "".join(str(each) for each in self)

        async def waits(self):
            async with self.lock as lock:
                return await lock.owner(lambda each: each.name)
'''


def codes(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for const in code.co_consts:
        if type(const) is types.CodeType:
            yield from codes(const)


def compiled(text: str) -> tuple[list[types.CodeType], list[bytes]]:
    text = textwrap.dedent(text)
    return list(codes(compile(text, "/srv/shop.py", "exec"))), text.encode().split(b"\n")


def function(text: str, name: str = "plain") -> types.CodeType:
    return next(code for code in compiled(text)[0] if code.co_name == name)


@pytest.mark.parametrize("module", [argparse, calendar, dataclasses, gzip])
def test_code_is_found_in_the_text_that_it_was_made_from(module: types.ModuleType) -> None:
    """Else a probe would be refused for nothing. Fault 30."""
    assert module.__file__ is not None
    with open(module.__file__) as file:
        found, lines = compiled(file.read())
    assert [code.co_qualname for code in found if can_be_told(code) and not is_written_so(code, lines)] == []


def test_every_kind_of_name_is_found() -> None:
    """Private attributes, `super`, decorators of several lines, f-strings, comprehensions, lambdas. Fault 30."""
    found, lines = compiled(WRITTEN)
    assert all(is_written_so(code, lines) for code in found)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("\n    def plain", "\n    # a line more\n    def plain"),
        ("    def plain(order", "    def fancy(order"),
        ("        total = order.total + 7\n", ""),
        ("order.total", "order.price"),
        ("+ 7", "+ 8"),
        ("total > limit", "limit > total"),
        ("if total >", "if  total >"),
    ],
)
def test_a_change_of_the_text_is_noticed(old: str, new: str) -> None:
    """A line more or less, another name or number, words in another order. Fault 30."""
    assert WRITTEN.count(old) == 1
    assert not is_written_so(function(WRITTEN), compiled(WRITTEN.replace(old, new))[1])


def test_a_change_of_another_function_is_none_of_this_one() -> None:
    """What counts is the code that is probed, at its lines."""
    assert is_written_so(function(WRITTEN), compiled(WRITTEN.replace("lock.owner", "lock.holder"))[1])


def test_a_text_that_ends_before_the_code_is_another() -> None:
    """The file was cut, or replaced by a stub."""
    found, lines = compiled(WRITTEN)
    assert not any(is_written_so(code, lines[:5]) for code in found if code.co_firstlineno > 5)


def test_what_a_tool_has_rewritten_can_not_be_told() -> None:
    """Assertions under pytest are other code than the text, and nobody changed the file."""
    assert not can_be_told(test_what_a_tool_has_rewritten_can_not_be_told.__code__)
    assert can_be_told(function(WRITTEN))
