from __future__ import annotations

import shutil
import sys
import threading
import types
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest
from tests.agent.places import PROGRAMS, SHAPES, line_of

from pyrometer.agent import locations
from pyrometer.link.errors import AmbiguousPlace, NoSuchPlace, Refused

pytestmark = pytest.mark.usefixtures("shapes")


def names(codes: list[types.CodeType]) -> list[str]:
    return sorted(code.co_qualname for code in codes)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("plain: total", ["plain"]),
        ("one_line", ["one_line"]),
        ("double", ["<lambda>"]),
        ("decorated", ["decorated"]),
        ("hidden", ["hidden"]),
        ("cached", ["cached"]),
        ("inner", ["outer.<locals>.inner"]),
        ("numbers: yield", ["numbers"]),
        ("slowly", ["slowly"]),
        ("generated", ["generated", "generated.<locals>.<genexpr>"]),
        ("classes: body", ["classes.<locals>.Local"]),
        ("Cart: total", ["Cart.total"]),
        ("Cart: count", ["Cart.count"]),
        ("Cart: half", ["Cart.half"]),
        ("Cart: parse", ["Cart.parse"]),
        ("Cart: empty", ["Cart.empty"]),
        ("Cart: first", ["Cart.first"]),
        ("Cart: held", ["Cart.held"]),
        ("Cart.Line: price", ["Cart.Line.price"]),
        ("handlers: add", ["<lambda>"]),
        ("pay_view", ["pay_view"]),
        ("matched: card", ["matched"]),
    ],
)
def test_code_of_every_shape_is_found_by_its_line(words: str, expected: list[str]) -> None:
    """Decorated, nested, in classes, in containers, registered and forgotten by its module. Fault 33."""
    assert names(locations.find_line("shapes.py", line_of("shapes", words))) == expected


@pytest.mark.parametrize(
    "file", ["shapes.py", "programs/shapes.py", "./programs/shapes.py", str(PROGRAMS / "shapes.py")]
)
def test_files_are_told_by_whole_parts_of_their_path(file: str) -> None:
    """The end of a path is enough."""
    assert names(locations.find_line(file, line_of("shapes", "plain: total"))) == ["plain"]


@pytest.mark.parametrize("file", ["hapes.py", "grams/shapes.py", "other/shapes.py", "shapes"])
def test_half_a_name_is_no_match(file: str) -> None:
    """`art.py` is not `cart.py`; and what is not loaded is pending, not an error. Fault 27."""
    assert locations.find_line(file, 1) == []


@pytest.mark.parametrize("words", ["with_blank: comment", "with_blank: else"])
def test_a_line_without_code_is_refused_with_the_nearest_ones(words: str) -> None:
    """Both sides are named. Fault 28."""
    line = line_of("shapes", words)
    with pytest.raises(NoSuchPlace) as refused:
        locations.find_line("shapes.py", line)
    before, after = (int(word.strip(",.")) for word in refused.value.next.split() if word.strip(",.").isdigit())
    assert before < line < after
    assert locations.find_line("shapes.py", before)
    assert locations.find_line("shapes.py", after)


@pytest.mark.parametrize(
    ("words", "above", "reason"),
    [
        ("with_blank: comment", 0, "a comment"),
        ("with_blank: comment", 1, "blank"),
        ("with_blank: else", 0, "`else:` does nothing by itself"),
        ("silent: docstring", 0, "a docstring"),
        ("silent: global", 0, "a declaration"),
        ("silent: comment in a call", 0, "a comment"),
        ("silent: left out", 0, "the compiler left it out"),
        ("decorated", 2, "a decorator: it ran when the module was imported"),
        ("decorated", 1, "the head of a function: it ran when the module was imported"),
        ("Cart: init", 3, "it ran when the class was made"),
    ],
)
def test_it_is_said_why_no_code_runs_at_a_line(words: str, above: int, reason: str) -> None:
    """A comment, a docstring, a decorator: in the words of who reads the text. Fault 28."""
    line = line_of("shapes", words) - above
    with pytest.raises(NoSuchPlace) as refused:
        locations.find_line("shapes.py", line)
    assert refused.value.message.endswith(f"({reason})")


def test_a_line_of_a_call_that_goes_on_has_code() -> None:
    """Continuation lines are executed too. Fault 28."""
    assert names(locations.find_line("shapes.py", line_of("shapes", "with_blank: continuation"))) == ["with_blank"]


def test_the_line_of_a_def_belongs_to_nobody_that_still_runs() -> None:
    """What the interpreter does on entry (RESUME) is at the `def`, and no event comes for it."""
    with pytest.raises(NoSuchPlace):
        locations.find_line("shapes.py", line_of("shapes", "plain: total") - 1)


def test_two_files_of_the_same_name_are_listed(tmp_path: Path) -> None:
    """Ambiguous: the candidates are in the message; the whole path decides. Fault 29."""
    shutil.copy(PROGRAMS / "shapes.py", tmp_path / "shapes.py")
    line = line_of("shapes", "plain: total")
    module = types.ModuleType("shop_other")
    module.__file__ = str(tmp_path / "shapes.py")
    source = (tmp_path / "shapes.py").read_text()
    sys.modules["shop_other"] = module
    try:
        exec(compile(source, str(tmp_path / "shapes.py"), "exec"), module.__dict__)
        with pytest.raises(AmbiguousPlace) as ambiguous:
            locations.find_line("shapes.py", line)
        assert str(tmp_path) in ambiguous.value.message
        assert str(PROGRAMS) in ambiguous.value.message
        (code,) = locations.find_line(str(tmp_path / "shapes.py"), line)
        assert code is module.plain.__code__
    finally:
        del sys.modules["shop_other"]


def test_a_file_that_no_module_names_is_found_all_the_same() -> None:
    """Functions made by exec have a file of their own. Fault 32."""
    module = types.ModuleType("shop_made")
    exec(compile("def made(a):\n    return a\n", "/srv/shop/made.py", "exec"), module.__dict__)
    sys.modules["shop_made"] = module
    try:
        assert names(locations.find_line("shop/made.py", 2)) == ["made"]
        assert locations.find_line("shop/made.py", 2, everywhere=False) == []
    finally:
        del sys.modules["shop_made"]


def test_the_body_of_a_module_is_found_while_it_runs() -> None:
    """A script's `while True:` at the top is on a thread's stack and nowhere else. Fault 36."""
    started, done = threading.Event(), threading.Event()
    source = "started.set()\ndone.wait(20)\nx = 1\n"
    module = types.ModuleType("shop_script")
    module.__dict__.update(started=started, done=done)
    thread = threading.Thread(target=exec, args=(compile(source, "/srv/script.py", "exec"), module.__dict__))
    thread.start()
    try:
        assert started.wait(20)
        assert names(locations.find_line("script.py", 3)) == ["<module>"]
    finally:
        done.set()
        thread.join()


def test_what_runs_of_a_file_is_not_taken_for_all_of_it() -> None:
    """Of a file that no module names, one function runs; the others are found too. Fault 32."""
    started, done = threading.Event(), threading.Event()
    module = types.ModuleType("shop_made")
    module.__dict__.update(started=started, done=done)
    source = "def waits():\n    started.set()\n    done.wait(20)\n\ndef other(a):\n    return a\n"
    exec(compile(source, "/srv/shop/made.py", "exec"), module.__dict__)
    sys.modules["shop_made"] = module
    thread = threading.Thread(target=module.waits)
    thread.start()
    try:
        assert started.wait(20)
        assert names(locations.find_line("shop/made.py", 6)) == ["other"]
    finally:
        done.set()
        thread.join()
        del sys.modules["shop_made"]


def test_our_own_code_is_refused() -> None:
    """A probe in the agent could only harm it. Fault 35."""
    with pytest.raises(Refused):
        locations.find_line("pyrometer/agent/locations.py", locations.find_line.__code__.co_firstlineno + 20)
    with pytest.raises(Refused):
        locations.find_function_codes("pyrometer.agent.locations", "find_line")


def test_a_file_of_ours_does_not_stand_in_for_one_of_the_services() -> None:
    """Theirs may be called like it, and not be loaded yet."""
    assert locations.find_line("locations.py", locations.find_line.__code__.co_firstlineno + 20) == []


def test_what_the_owner_forbids_is_refused() -> None:
    """The policy names modules; a path to their file is no way around."""
    line = line_of("shapes", "plain: total")
    with pytest.raises(Refused):
        locations.find_line("shapes.py", line, forbids=lambda module: module == SHAPES)
    with pytest.raises(Refused):
        locations.find_function_codes(SHAPES, "plain", forbids=lambda module: module == SHAPES)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("plain", ["plain"]),
        ("decorated", ["decorated"]),
        ("hidden", ["hidden"]),
        ("outer.inner", ["outer.<locals>.inner"]),
        ("outer.<locals>.inner", ["outer.<locals>.inner"]),
        ("Cart.count", ["Cart.count"]),
        ("Cart.Line.*", ["Cart.Line.price"]),
        ("Cart.*s*", ["Cart.first", "Cart.parse"]),
    ],
)
def test_functions_are_found_by_qualified_name(function: str, expected: list[str]) -> None:
    """It is the name where the code was written that counts, not what a decorator left in its place."""
    assert names(locations.find_function_codes(SHAPES, function)) == expected


def test_modules_are_found_by_pattern() -> None:
    """`*` stands for anything."""
    assert names(locations.find_function_codes("shop_sh*", "plain")) == ["plain"]


@pytest.mark.parametrize(
    ("module", "spec"),
    [
        ("__main__", None),
        ("shop_app", None),
        ("shop.tool", ModuleSpec("shop.tool", None)),
        ("shop", ModuleSpec("shop.__main__", None)),
    ],
)
def test_a_program_is_found_by_the_name_of_its_file(
    module: str, spec: ModuleSpec | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who wrote `shop_app.py` and runs it as a program does not think of it as `__main__`."""
    program = types.ModuleType("__main__")
    program.__file__, program.__spec__ = "/srv/shop_app.py", spec
    exec(compile("def total(a):\n    return a\n", "/srv/shop_app.py", "exec"), program.__dict__)
    monkeypatch.setitem(sys.modules, "__main__", program)
    assert names(locations.find_function_codes(module, "total")) == ["total"]


def test_a_function_that_is_not_there_is_refused_with_those_that_are() -> None:
    """The module is loaded, so waiting would be in vain."""
    with pytest.raises(NoSuchPlace) as refused:
        locations.find_function_codes(SHAPES, "plane")
    assert "functions there: plain, " in refused.value.next
    assert refused.value.reason == "NO_SUCH_FUNCTION"


def test_a_module_that_is_not_loaded_is_pending() -> None:
    """It may be imported yet. Fault 27."""
    assert locations.find_function_codes("shop_not_yet", "plain") == []


@pytest.mark.parametrize(
    ("function", "words"),
    [("plain", "plain: total"), ("one_line", "one_line"), ("slowly", "slowly"), ("Cart.total", "Cart: total")],
)
def test_the_first_line_of_a_function_is_that_of_its_body(function: str, words: str) -> None:
    """Not the `def`, nor the docstring."""
    (code,) = locations.find_function_codes(SHAPES, function)
    assert locations.first_line(code) == line_of("shapes", words)


def test_functions_of_a_scope_are_those_of_its_modules(shapes: types.ModuleType) -> None:
    """Imported functions belong to the module that they were written in."""
    found = locations.functions_in_scope("shop_shapes")
    assert shapes.plain in found  # the live function: the engine of 3.11 rewrites it
    assert shapes.decorated.__wrapped__ in found
    assert {function.__globals__["__name__"] for function in found} == {SHAPES}
