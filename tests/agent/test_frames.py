from __future__ import annotations

import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator
from types import FrameType
from typing import Any

import pytest

from pyrometer.agent import frames
from pyrometer.agent.frames import UNSET, local_names, local_reader, read_foreign, read_local, read_locals


@pytest.fixture(autouse=True)
def _prepared() -> None:
    assert frames.prepare() == ""


def plain(first: int, /, second: int = 2, *rest: int, key: int = 4, **more: int) -> FrameType:
    third = first + second
    if third > 1000:
        never = third
        sys.exit(never)
    gone = 1
    del gone
    return sys._getframe()


def test_variables_come_in_order_of_appearance() -> None:
    """Parameters first, then as the function names them; without a value they are unset, not None (fault 51)."""
    read = read_locals(plain(1, 2, 3, x=5))
    assert read == [
        *(("first", 1), ("second", 2), ("key", 4), ("rest", (3,)), ("more", {"x": 5})),
        *(("third", 3), ("never", UNSET), ("gone", UNSET)),
    ]
    assert read_local(plain(1), "third") == 3
    assert read_local(plain(1), "never") is UNSET
    assert read_local(plain(1), "nowhere") is UNSET


def test_cells_and_what_is_closed_over_are_read_through() -> None:
    """Fault 51: a captured variable is shown by its value; one that is not set yet is unset."""

    def outer(shared: int, alone: int) -> tuple[FrameType, FrameType]:
        def inner() -> FrameType:
            own = shared + 1
            return sys._getframe() if own else later

        frame = inner()
        later = sys._getframe()
        return frame, later

    inner, here = outer(5, 6)
    assert read_locals(inner) == [("own", 6), ("later", here), ("shared", 5)]
    assert dict(read_locals(here))["shared"] == 5
    assert read_local(inner, "shared") == 5


def test_a_cell_without_a_value_is_unset() -> None:
    """Fault 51."""

    def outer() -> FrameType:
        def inner() -> FrameType:
            return sys._getframe() if True else later  # noqa: F821 - it has no value yet

        frame = inner()
        later = frame
        del later
        return frame

    assert read_locals(outer()) == [("later", UNSET)]


def test_suspended_frames_are_read() -> None:
    """Generators and coroutines keep their variables while nothing runs them."""

    def generator(start: int) -> Iterator[int]:
        number = start
        while True:
            yield number
            number += 1

    running = generator(7)
    next(running)
    next(running)
    assert dict(read_locals(running.gi_frame)) == {"start": 7, "number": 8}  # type: ignore[attr-defined]


def test_a_comprehension_does_not_show_its_iterator() -> None:
    """`.0` is a name of the interpreter's."""
    found: list[str] = []
    for _ in (found.extend(name for name, _ in read_locals(sys._getframe())) for number in range(1) if not number):
        pass
    assert "number" in found
    assert not [name for name in found if name.startswith(".")]


def test_a_frame_that_was_cleared_has_nothing_set() -> None:
    """Tracebacks of an hour ago may have been emptied."""
    frame = plain(1)
    frame.clear()
    assert {value for _, value in read_locals(frame)} <= {UNSET}


def test_ten_thousand_variables_are_read() -> None:
    """Fault 51: a generated function may have that many."""
    source = "\n".join(f"    v{n} = {n}" for n in range(10_000))
    namespace: dict[str, Any] = {}
    exec(f"import sys\ndef many():\n{source}\n    return sys._getframe()", namespace)
    read = read_locals(namespace["many"]())
    assert read[9_999] == ("v9999", 9_999)
    assert len(read) == 10_000


def test_what_the_service_got_from_locals_does_not_change() -> None:
    """Before 3.13 `f_locals` is the very dictionary that `locals()` gave: reading must leave it alone."""

    def service() -> tuple[dict[str, Any], dict[str, Any]]:
        count = 1
        mine = locals()
        count = 2
        before = dict(mine)
        read_locals(sys._getframe())
        read_local(sys._getframe(), "count")
        return before, dict(mine)

    before, after = service()
    assert after == before
    assert "before" not in after


def test_nothing_is_kept_alive() -> None:
    """Fault 52: neither the frame nor what was read from it outlives the reading."""

    class Thing:
        pass

    def service() -> weakref.ref[Thing]:
        thing = Thing()
        read_locals(sys._getframe())
        read_local(sys._getframe(), "thing")
        gone = weakref.ref(thing)
        del thing
        assert gone() is None
        return gone

    service()


def test_reading_does_not_count_references_wrongly() -> None:
    """Where variables are read from memory, a reference too few would crash the service much later."""
    value = object()

    def service(held: object) -> FrameType:
        return sys._getframe()

    frame = service(value)
    before = sys.getrefcount(value)
    for _ in range(100):
        read_locals(frame)
        read_local(frame, "held")
    assert sys.getrefcount(value) == before


def test_a_module_shows_its_names_without_the_interpreters_own() -> None:
    """Nobody wants `__builtins__` in a snapshot."""
    namespace: dict[str, Any] = {"__name__": "program"}
    exec("import sys\nfirst = 1\nframe = sys._getframe()", namespace)
    assert [name for name, _ in read_locals(namespace["frame"])] == ["sys", "first", "frame"]
    assert read_local(namespace["frame"], "first") == 1
    assert read_local(namespace["frame"], "second") is UNSET


def test_a_class_body_is_read_without_its_mapping() -> None:
    """A metaclass's `__prepare__` gives a mapping of the service's: asking it would run its code (fault 41)."""
    calls: list[str] = []
    read: list[Any] = []

    class Mapping(dict[str, Any]):
        def __setitem__(self, key: str, value: object) -> None:
            if not key.startswith("__"):
                calls.append(key)
            super().__setitem__(key, value)

        def __delitem__(self, key: str) -> None:
            calls.append(key)

        def __getitem__(self, key: str) -> Any:
            if key == "first":
                calls.append(key)
            return super().__getitem__(key)

    class Meta(type):
        @classmethod
        def __prepare__(cls, name: str, bases: tuple[type, ...], /, **_: Any) -> Mapping:
            return Mapping()

    class Made(metaclass=Meta):
        first = 1

        def method(self) -> type:
            return __class__  # type: ignore[name-defined, no-any-return]

        read.append(read_locals(sys._getframe()))

    assert calls == ["first", "method"]
    assert read == [[]]


def test_an_ordinary_class_body_is_read() -> None:
    """Its namespace is a plain dictionary."""
    read: list[Any] = []

    class Made:
        first = 1
        read.append(read_locals(sys._getframe()))

    assert read == [[("first", 1)]]


def test_names_are_those_of_the_interpreter() -> None:
    """The order in which variables stand in memory is the order of `local_names`."""

    def function(one: int, two: int) -> Any:
        three = 3

        def inner() -> int:
            return two + three + four

        four = 4
        return inner

    code = function.__code__
    names = local_names(code)
    assert names == tuple(code._varname_from_oparg(index) for index in range(len(names)))  # type: ignore[attr-defined]
    inner = function(1, 2).__code__
    assert local_names(inner) == tuple(inner._varname_from_oparg(index) for index in range(3))


def test_a_reader_made_ready_reads_the_same() -> None:
    """What a condition on a hot line calls is `read_local` without the search."""
    frame = plain(1, 2)
    for name in (*local_names(frame.f_code), "nowhere"):
        assert local_reader(frame.f_code, name)(frame) == read_local(frame, name)


def test_ctypes_is_loaded_by_prepare_alone_and_only_where_it_is_needed() -> None:
    """It costs the service memory; on 3.13 and later nobody needs it."""
    program = (
        "import sys; from pyrometer.agent import frames; before = 'ctypes' in sys.modules; "
        "frames.prepare(); print(before, 'ctypes' in sys.modules)"
    )
    outcome = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert outcome.stdout.split() == ["False", str(sys.version_info < (3, 13))]


def test_unprepared_it_reads_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without ctypes there is still `f_locals`."""
    monkeypatch.setattr(frames, "_native", None)
    monkeypatch.setattr(frames, "_read", frames._read_by_f_locals)
    monkeypatch.setattr(frames, "_read_one", frames._read_one_by_f_locals)
    frame = plain(1, 2)
    assert dict(read_locals(frame))["third"] == 3
    assert read_local(frame, "never") is UNSET
    assert local_reader(frame.f_code, "third")(frame) == 3


def test_the_variables_of_a_frame_that_another_thread_runs() -> None:
    """Each as it is at that moment, unset ones and cells among them; and the thread goes on unharmed."""
    begun, over = threading.Event(), threading.Event()
    seen: list[int] = []

    def busy(argument: str) -> None:
        count = 0
        unset: int
        shared = ["cell"]
        begun.set()
        while not over.is_set():
            count += 1
        seen.append(count)
        unset = len(shared)
        seen.extend(unset for _ in shared)

    thread = threading.Thread(target=busy, args=("given",))
    thread.start()
    try:
        assert begun.wait(30)
        for _ in range(200):
            frame = sys._current_frames()[thread.ident or 0]
            while frame.f_code is not busy.__code__:
                assert frame.f_back
                frame = frame.f_back
            found = dict(read_foreign(frame) or ())
            assert (found["argument"], found["shared"], found["unset"]) == ("given", ["cell"], UNSET)
            assert type(found["count"]) is int
    finally:
        over.set()
        thread.join()
    assert seen[0] > 0
    assert dict(read_foreign(frame) or ())["count"] == seen[0]  # it is over: what it had last


def test_frames_that_may_dangle_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Up to 3.13.5 a generator's frame must not be read once the generator is gone, so who reads has to hold it."""
    monkeypatch.setattr(frames, "_FRAMES_DANGLE", True)

    def numbers() -> Iterator[int]:
        value = 1
        yield value

    generator = numbers()
    next(generator)
    frame = generator.gi_frame  # type: ignore[attr-defined]
    assert read_foreign(frame) is None
    assert read_foreign(frame, kept=True) == [("value", 1)]
