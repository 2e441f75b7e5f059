from __future__ import annotations

import gc
import sys
import types
from typing import Any

import pytest
from tests.agent.places import SHAPES

from pyrometer.agent import loaded
from pyrometer.agent.loaded import Walk

pytestmark = pytest.mark.usefixtures("shapes")


def functions_of(module: types.ModuleType) -> set[str]:
    return {function.__qualname__ for function in Walk().functions(module)}


class Trap(types.ModuleType):
    """A module whose every attribute is computed, as lazy ones are."""

    def __getattribute__(self, name: str) -> object:
        raise AssertionError(name)


def test_a_lazy_module_is_not_loaded_by_looking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its variables are read from where they are. Fault 43."""
    trap = Trap("shop_lazy")
    monkeypatch.setitem(sys.modules, "shop_lazy", trap)
    assert ("shop_lazy", trap) in loaded.modules()
    assert loaded.module_name(trap) == "shop_lazy"
    assert list(Walk().functions(trap)) == []


def test_what_is_no_module_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Anything may be put into `sys.modules`."""
    for name, value in {"none": None, "number": 1, "class": Trap, "text": "x"}.items():
        monkeypatch.setitem(sys.modules, f"shop_{name}", value)
    assert not [name for name, _ in loaded.modules() if name.startswith("shop_") and name != SHAPES]


def test_hostile_objects_are_walked_past(shapes: Any) -> None:
    """Nothing of theirs is asked: not their class, their truth, their length, their attributes. Fault 41."""

    class Meta(type):
        def __getattribute__(cls, name: str) -> object:
            raise AssertionError(name)

        def __hash__(cls) -> int:
            raise AssertionError

    class Hostile(metaclass=Meta):
        def __getattribute__(self, name: str) -> object:
            raise AssertionError(name)

        def _refuse(self, *_: object) -> Any:
            raise AssertionError

        __bool__ = __len__ = __iter__ = __eq__ = __hash__ = __repr__ = __call__ = _refuse

    before = functions_of(shapes)
    shapes.hostile = Hostile()
    shapes.HostileClass = Hostile
    shapes.listed_hostile = [Hostile()]
    shapes.Foreign = type("Foreign", (), {"__module__": Hostile()})
    assert before <= functions_of(shapes)


def test_a_function_without_a_dictionary_gets_none_by_being_looked_at(shapes: Any) -> None:
    """A hundred thousand of them would grow the service by megabytes."""

    def dicts() -> int:
        return sum(type(held) is dict for held in gc.get_referents(shapes.outer))

    before = dicts()
    functions_of(shapes)
    assert dicts() == before


@pytest.mark.parametrize("how", ["class", "registry", "deep"])
def test_what_one_module_only_refers_to_is_entered_from_its_own(shapes: Any, how: str) -> None:
    """A decorator may have put a class into another module's registry, which is walked first."""
    registry = types.ModuleType("shop_registry")
    far = [[[[{"cart": shapes.Cart}]]]]
    registry.__dict__["known"] = {"class": shapes.Cart, "registry": {"cart": shapes.Cart}, "deep": far}[how]
    shapes.near = far[0][0][0]
    walk = Walk()
    assert list(walk.functions(registry)) == []
    assert "Cart.total" in {function.__qualname__ for function in walk.functions(shapes)}


def test_large_containers_are_passed_by(shapes: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are data. What is behind them may be missed, the walk stays short."""
    monkeypatch.setattr(loaded, "MAX_ITEMS", 10)
    shapes.data = [lambda: 1] * 11
    shapes.few = [lambda: 2] * 3
    found = [function for function in Walk().functions(shapes) if function.__name__ == "<lambda>"]
    assert shapes.few[0] in found
    assert shapes.data[0] not in found


def test_a_walk_is_bounded(shapes: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """However much is loaded. Fault 34."""
    monkeypatch.setattr(loaded, "MAX_OBJECTS", 20)
    assert len(list(Walk().functions(shapes))) <= 20


def test_cycles_end(shapes: Any) -> None:
    """Each object is visited once."""
    shapes.around = []
    shapes.around.append(shapes.around)
    shapes.outer.__wrapped__ = shapes.outer
    assert "outer" in functions_of(shapes)


def test_what_runs_now_is_known_with_its_module() -> None:
    """Bodies of modules are nowhere else."""
    assert (sys._getframe().f_code, __name__) in loaded.running()
