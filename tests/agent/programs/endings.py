"""The ends that an exception may come to: each function lets one be raised, and goes on or not."""
# ruff: noqa: B012, SIM105, PT012

import _thread
import asyncio
import concurrent.futures
import contextlib
import threading
import time


class Lost(Exception):
    pass


def boom():
    raise Lost("lost")


def busy(seconds=0.02):
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


def caught():
    try:
        boom()
    except Lost:
        pass
    busy()


def caught_and_returned():
    try:
        boom()
    except Lost:
        return 1


def not_matched():
    try:
        try:
            boom()
        except KeyError:
            pass
    except Lost:
        busy()


def raise_slowly():
    try:
        boom()
    except Lost:
        busy(0.03)
        raise


def raised_again():
    try:
        raise_slowly()
    except Lost:
        pass
    busy()


def raised_by_name():
    try:
        try:
            boom()
        except Lost as error:
            busy()
            raise error
    except Lost:
        return 1


def suppressed():
    with contextlib.suppress(Lost):
        boom()
    busy()


@contextlib.contextmanager
def managed():
    try:
        yield
    finally:
        busy(0.01)


def within_a_manager():
    with managed():
        boom()


def passed_by_a_manager():
    try:
        within_a_manager()
    except Lost:
        pass
    busy()


def finally_slowly():
    try:
        boom()
    finally:
        busy()


def passed_by_finally():
    try:
        finally_slowly()
    except Lost:
        return 1


def returned_in_finally():
    try:
        boom()
    finally:
        return 1


def in_a_group():
    try:
        boom()
    except* Lost:
        pass
    busy()


def another_within():
    try:
        boom()
    except Lost:
        try:
            {}["a"]
        except KeyError:
            busy()
        return 1


def replace():
    try:
        boom()
    except Lost as error:
        raise RuntimeError from error


def replaced():
    try:
        replace()
    except RuntimeError:
        pass
    busy()


def replaced_here():
    try:
        try:
            boom()
        except Lost:
            raise RuntimeError from None
    except RuntimeError:
        busy()


def through_c():
    try:
        sorted([1, 2], key=lambda _: boom())
    except Lost:
        pass
    busy()


class Deleted:
    def __del__(self):
        boom()


def kept_by_c():
    thing = Deleted()
    del thing
    busy(0.05)


def thread():
    worker = threading.Thread(target=boom, name="worker-1")
    worker.start()
    worker.join()


def bare_thread():
    _thread.start_new_thread(boom, ())
    time.sleep(0.05)


async def work():
    boom()


async def awaiting():
    try:
        await work()
    except Lost:
        await asyncio.sleep(0.02)
    await asyncio.sleep(0.02)


def awaited():
    asyncio.run(awaiting())


async def forgetting():
    task = asyncio.create_task(work())
    await asyncio.sleep(0.5)
    return task


def task():
    asyncio.run(forgetting())


async def asking():
    task = asyncio.create_task(work())
    await asyncio.sleep(0.02)
    try:
        await task
    except Lost:
        pass
    await asyncio.sleep(0.02)


def task_that_is_asked():
    asyncio.run(asking())


async def calling_back():
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda *_: None)
    loop.call_soon(boom)
    await asyncio.sleep(0.02)


def callback():
    asyncio.run(calling_back())


def pool():
    with concurrent.futures.ThreadPoolExecutor(1) as executor:
        future = executor.submit(boom)
        time.sleep(0.4)
    return future


def generator():
    def produce():
        try:
            boom()
        except Lost:
            yield 1
            yield 2

    found = produce()
    next(found)
    busy()
    return [*found]


def generator_that_passes_it_on():
    def produce():
        yield 1
        boom()

    try:
        for _ in produce():
            pass
    except Lost:
        busy()


def recursive(depth=0):
    if depth == 5:
        boom()
    try:
        recursive(depth + 1)
    except Lost:
        if depth:
            raise
        busy()


ONE = Lost("the one and only")


def raise_the_one(catch):
    try:
        raise_it_again(catch=not catch)
    except Lost:
        pass


def raise_it_again(catch):
    try:
        raise ONE
    except Lost:
        if not catch:
            raise


def passed_quickly():
    def inner():
        try:
            boom()
        finally:
            len("x")

    try:
        inner()
    except Lost:
        return 1


def producing(seen):
    try:
        yield 1
        yield 2
    except GeneratorExit:
        seen.append("closed")
        raise
    except Lost:
        seen.append("thrown")
        yield 3


def closed():
    seen = []
    generator = producing(seen)
    next(generator)
    generator.close()
    return seen[0]


def thrown():
    seen = []
    generator = producing(seen)
    next(generator)
    assert generator.throw(Lost("thrown")) == 3
    assert [*generator] == []
    return seen[0]


async def waiting():
    await asyncio.sleep(10)


async def cancelling():
    task = asyncio.create_task(waiting())
    await asyncio.sleep(0)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        return "cancelled"


def cancelled():
    return asyncio.run(cancelling())
