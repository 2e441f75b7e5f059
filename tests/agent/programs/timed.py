"""Functions whose calls are watched. Time passes where they say so, by a clock that the test has."""

import contextlib


def spend(seconds):
    """Replaced by the test."""


class Pause:
    """What a coroutine waits for: as often as it says."""

    def __init__(self, times=1):
        self.times = times

    def __await__(self):
        for _ in range(self.times):
            yield


def query(sql, limit=10, *more, **options):
    spend(2)
    return [sql] * limit


def reassigned(given, kept):
    given = given * 2
    return given


def rebound(given):
    def change():
        nonlocal given
        given = 0

    change()
    return given


def fails(code):
    spend(1)
    raise LookupError(code)


def handles(code):
    try:
        return fails(code)
    except LookupError:
        spend(1)
        return "handled"
    finally:
        spend(2)


def fib(n):
    spend(1)
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def either(left, right):
    return left or right


def numbers(count):
    spend(1)
    for number in range(count):
        yield number
        spend(1)
    return "all"


def resilient():
    try:
        yield 1
    except ValueError:
        spend(1)
        yield 2
    yield 3


def outer(count):
    spend(1)
    result = yield from numbers(count)
    spend(1)
    return result


async def slow(times):
    spend(1)
    await Pause(times)
    spend(2)
    return times


async def wrapping(times):
    with contextlib.suppress(KeyError):
        await slow(times)
        spend(4)
    await Pause()
    return "done"


async def stream(count):
    for number in range(count):
        await Pause()
        spend(1)
        yield number


def get_password(user):
    return "correct horse"


def login(user, password):
    return len(password)


class Cart:
    sizes = [size + 1 for size in (0, 1)]

    def __init__(self, items):
        self.items = items

    @property
    def count(self):
        return len(self.items)

    def total(self, *, tax):
        return sum(item for item in self.items) + tax


def double(value):
    return value * 2


triple = lambda value: value * 3
