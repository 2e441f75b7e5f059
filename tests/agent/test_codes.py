"""Code objects and modules whose texts have a mind of their own: none of their methods is run. Fault 41."""

from __future__ import annotations

import sys
import types
from typing import Any

from tests.agent.places import SHAPES, line_of

from pyrometer.agent import codes, locations
from pyrometer.agent.engines.callbacks import read_global
from pyrometer.agent.frames import UNSET
from pyrometer.agent.known import text_reader
from pyrometer.agent.loaded import function_module, module_file, module_name
from pyrometer.agent.scopes import Scope
from pyrometer.agent.stacks import CodeTable, module_of


class Text(str):
    """A text that says so when it is asked anything."""

    __slots__ = ()

    def _asked(self, *_: object) -> Any:
        raise AssertionError("a method of the service's was run")

    __eq__ = __ne__ = __lt__ = __contains__ = __getitem__ = __len__ = __format__ = __str__ = __iter__ = _asked
    startswith = endswith = replace = removeprefix = rpartition = partition = encode = _asked

    def __hash__(self) -> int:
        raise AssertionError("a hash of the service's was made")


class Key(str):
    """A key that is hashed as its text, and says so when it is compared."""

    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        raise AssertionError("a key of the service's was compared")


def test_texts_of_code_are_exact() -> None:
    """The same text, of the plain type."""
    code = shapes_like().__code__
    for said, name in ((codes.file_of(code), "/srv/x.py"), (codes.name_of(code), "named")):
        assert type(said) is str
        assert said == name
    assert not codes.is_module_body(code)


def test_looking_for_code_runs_nothing_of_its_texts(shapes: Any) -> None:
    """Lines, functions, scopes, frames, values."""
    shapes.named = shapes_like(shapes.__dict__)
    assert locations.find_line("programs/shapes.py", line_of("shapes", "plain: total"))
    assert locations.find_line("nowhere.py", 3) == []
    assert [codes.name_of(code) for code in locations.find_function_codes(SHAPES, "named")] == ["named"]
    assert shapes.named in locations.functions_in_scope(SHAPES)
    frame = shapes.named()
    assert Scope(SHAPES)(frame.f_code, frame)
    table = CodeTable()
    table.index(frame)
    assert table.described == [["named", "/srv/x.py", SHAPES]]
    reader = text_reader(types.CodeType, types.CodeType.__mro__)
    assert reader is not None
    assert reader(frame.f_code) == "named, /srv/x.py:1"


def test_looking_up_a_global_compares_no_key_of_the_services() -> None:
    """Neither a condition's names nor a module's own."""
    scope: dict[Any, Any] = {"getframe": sys._getframe, "__builtins__": {}}
    frame, function = eval("getframe()", scope), types.FunctionType(compile("1", "x", "eval"), scope)
    scope |= {Key("wanted"): 1, Key("__name__"): "x", Key("__file__"): "y"}
    assert read_global(frame, "wanted") is UNSET
    assert module_of(frame) == ""
    module = types.ModuleType("shop_keys")
    del module.__dict__["__name__"]
    module.__dict__.update(scope)
    assert (module_name(module), module_file(module)) == ("", "")
    assert function_module(function) == ""


def shapes_like(scope: dict[str, Any] | None = None) -> types.FunctionType:
    """A function whose code has such texts."""
    source = compile("getframe()", "x", "eval")
    code = source.replace(co_filename=Text("/srv/x.py"), co_qualname=Text("named"), co_name=Text("named"))
    place = {} if scope is None else scope
    place["getframe"] = sys._getframe
    return types.FunctionType(code, place)


def test_bodies_that_run_once_are_told_from_functions() -> None:
    """A line of one is refused, or armed with a word on it: it has run when its module is there."""
    module = compile("class Cart:\n    size = 1\n    def add(self): return 1\n", "cart.py", "exec")
    (cart,) = [each for each in module.co_consts if isinstance(each, types.CodeType)]
    (add,) = [each for each in cart.co_consts if isinstance(each, types.CodeType)]
    assert [codes.body_run_once(code) for code in (module, cart, add)] == [
        "a module's body",
        "the body of class Cart",
        "",
    ]
