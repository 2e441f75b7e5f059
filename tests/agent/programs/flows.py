"""Lines that are reached on many ways: loops, handlers, calls over several lines, locals that may have no value."""

# ruff: noqa: F811, F841, RET504, B007, E701
import contextlib

limit = 3


def header(items):
    total = 0
    for item in items:  # header: for
        total += item
    return total  # header: return


def waits(count):
    while count:  # waits: while
        count -= 1
    return count


# fmt: off
def one_line_loop(count):
    while count: count -= 1  # one_line_loop
    return count
# fmt: on


def many_lines(call):
    return call(
        1,
        two=2,  # many_lines: two
        three=call(
            3,
            four=4,  # many_lines: four
        ),
    )


def guarded(divisor):
    try:
        result = 1 / divisor  # guarded: body
    except ZeroDivisionError as error:  # guarded: except
        result = str(error)  # guarded: handler
    finally:
        done = True  # guarded: finally
    return result


def managed(divisor):
    with contextlib.suppress(ZeroDivisionError):
        return 1 / divisor  # managed: body
    return "suppressed"  # managed: after


def sometimes(flag):
    if flag:
        value = 5
    done = flag  # sometimes: done
    return done


def deleted(flag):
    value = 1
    if flag:
        del value
    done = flag  # deleted: done
    return done


def after_handler(flag):
    error = None
    try:
        if flag:
            raise ValueError
    except ValueError as error:
        pass
    done = flag  # after_handler: done
    return done


def loop_variable(items):
    for item in items:
        pass
    return len(items)  # loop_variable: return


def shared(start):
    count = start

    def step(by):
        nonlocal count
        count += by  # shared: step
        return count

    step(1)  # shared: call
    return step


def not_yet():
    def inner():
        return later

    ready = 1  # not_yet: ready
    later = 2
    return inner()


def reads_global(x):
    return x > limit  # reads_global


def passes(*args, key=0, **kwargs):
    return args, key, kwargs  # passes


def ticks(count):  # ticks: def
    while count:
        count -= 1
    return count


def produces(count):  # produces: def
    for number in range(count):
        received = yield number  # produces: yield
    return "done"


async def loops(source):
    seen = []
    async for item in source:
        seen.append(item)  # loops: body
    return seen


def deep(depth):
    if depth:  # deep: if
        return deep(depth - 1)
    return 0


def falls(depth):
    try:
        return falls(depth + 1)
    except RecursionError:
        return depth
