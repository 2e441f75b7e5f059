"""Code in every shape that a probe may be placed in. Lines are found by the words of their comments."""

# ruff: noqa: F841, RET504
import contextlib
import functools


def plain(a, b=2):
    total = a + b  # plain: total
    return total  # plain: return


def one_line(a):
    return a * 2  # one_line


double = lambda a: a * 2  # double


def with_blank(a):
    """Docstring.  # with_blank: docstring"""

    # with_blank: comment
    if a:
        b = 1
    else:  # with_blank: else
        b = 2
    return (
        a + b  # with_blank: continuation
    )


def traced(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)  # traced: call

    return wrapper


def untold(function):
    def wrapper(*args):
        return function(*args)

    return wrapper


@traced
def decorated(a):
    return a + 1  # decorated


@untold
@untold
def hidden(a):
    return a - 1  # hidden


@functools.lru_cache
def cached(a):
    return a + 3  # cached


bound = functools.partial(plain, 1)


def outer(a):
    def inner(b):
        return a + b  # inner

    return inner(1)


def numbers(count):
    for number in range(count):
        yield number  # numbers: yield


async def slowly(a):
    result = a + 1  # slowly
    return result


def listed(items):
    return [item + 1 for item in items]  # listed


def generated(items):
    return sum(item + 1 for item in items)  # generated


def looped(count):
    total = 0
    for number in range(count):
        total += number  # looped: body
    return total


def classes():
    class Local:
        x = 1  # classes: body

    return Local.x


class Cart:
    limit = 3

    def __init__(self, items):
        self.items = items  # Cart: init

    def total(self):
        return sum(self.items)  # Cart: total

    @property
    def count(self):
        return len(self.items)  # Cart: count

    @functools.cached_property
    def half(self):
        return self.total() / 2  # Cart: half

    @staticmethod
    def parse(text):
        return text.split()  # Cart: parse

    @classmethod
    def empty(cls):
        return cls([])  # Cart: empty

    @traced
    def first(self):
        return self.items[0]  # Cart: first

    @contextlib.contextmanager
    def held(self):
        yield self  # Cart: held

    class Line:
        def price(self):
            return 5  # Cart.Line: price


handlers = {"add": lambda a: a + 5}  # handlers: add


class Registry:
    def __init__(self):
        self.routes = {}

    def route(self, name):
        def keep(function):
            self.routes[name] = function
            return self

        return keep


app = Registry()


@app.route("pay")
def pay_view(a):
    return a + 7  # pay_view


def matched(value):
    match value:
        case {"kind": "card"}:
            return "card"  # matched: card
        case _:
            return "other"


def closing(a):
    seen = []

    def note():
        seen.append(a)

    note()
    return seen  # closing: return


def unset_until(a):
    if a > 1:
        late = a
    done = a  # unset_until: done
    return done


def silent(a):
    """
    Several lines.  # silent: docstring
    """
    global silent_calls  # silent: global
    text = f"""
      {a} and more  # silent: text
    """
    try:  # silent: try
        return call_of(
            # silent: comment in a call
            a,
            *(),
        )
    finally:
        pass  # silent: pass
    if False:
        return 2  # silent: left out


def call_of(*args):
    return args


@traced  # branches: decorator's own
def branches(a):
    if a:
        b = 2  # branches: one line
    if (c := a) > 0:  # branches: walrus
        pass
    return call_of(
        a,
        a + b + c,  # branches: argument
    )
