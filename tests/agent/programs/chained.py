"""Exceptions that are chained to others, grouped, annotated, in circles, and hostile ones."""


class Broken(Exception):
    pass


class Hostile(Exception):
    """Says of itself what it likes, and must not be asked."""

    calls = []

    def __getattribute__(self, name):
        Hostile.calls.append(name)
        raise RuntimeError(name)

    def __str__(self):
        Hostile.calls.append("__str__")
        return "no"

    __repr__ = __hash__ = __eq__ = __len__ = __bool__ = __str__


class Trap:
    def __repr__(self):
        Hostile.calls.append("repr")
        return "no"

    __str__ = __len__ = __iter__ = __repr__


def read(token):
    password = "hunter2"  # noqa: F841
    raise OSError(5, "no answer", token)


def from_cause():
    try:
        read("AKIAIOSFODNN7EXAMPLE")
    except OSError as error:
        found = Broken("order 7")
        found.add_note("asked twice")
        raise found from error


def while_handling():
    try:
        read("x")
    except OSError:
        raise Broken("order 8")


def hidden():
    try:
        read("x")
    except OSError:
        raise Broken("order 9") from None


def in_circles():
    first, second = Broken("first"), Broken("second")
    first.__cause__, second.__cause__ = second, first
    raise first


def grouped():
    raise ExceptionGroup("two of them", [Broken("a"), ExceptionGroup("inner", [OSError("b")])])


def nested(depth):
    found = Broken("innermost")
    for _ in range(depth):
        found = ExceptionGroup("outer", [found])
    raise found


def many(count):
    raise ExceptionGroup("many", [Broken(str(number)) for number in range(count)])


def long_chain(count):
    found = Broken("0")
    for number in range(count):
        following = Broken(str(number))
        following.__cause__ = found
        found = following
    raise found


def deep(depth):
    if depth:
        deep(depth - 1)
    else:
        read("x")


def with_a_long_traceback(depth):
    try:
        deep(depth)
    except OSError as error:
        raise Broken("after a long way") from error


def hostile():
    found = Hostile(Trap(), Trap())
    cause = Hostile()
    BaseException.__dict__["__cause__"].__set__(found, cause)
    raise found


SINGLE = Broken("the one and only")


def singleton():
    raise SINGLE
