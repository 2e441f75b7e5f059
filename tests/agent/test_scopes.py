from __future__ import annotations

import importlib.util
import json
import os
import sys

import pytest

from pyrometer.agent import scopes
from pyrometer.agent.scopes import Scope, TypeName


class PaymentError(Exception):
    pass


class CardError(PaymentError):
    pass


@pytest.mark.parametrize(
    ("name", "exc"),
    [
        ("PaymentError", PaymentError()),
        ("PaymentError", CardError()),
        (f"{__name__}.PaymentError", CardError()),
        (f"{__name__.rpartition('.')[2]}.PaymentError", CardError()),
        ("KeyError", KeyError()),
        ("builtins.KeyError", KeyError()),
        ("LookupError", KeyError()),
        ("GeneratorExit", GeneratorExit()),
        ("json.decoder.JSONDecodeError", json.JSONDecodeError("no", "", 0)),
    ],
)
def test_a_type_is_named_with_or_without_its_module_and_subclasses_count(name: str, exc: BaseException) -> None:
    """As a person writes it."""
    assert TypeName(name)(exc)


@pytest.mark.parametrize("name", ["CardError", "Error", "aymentError", "other.PaymentError", ""])
def test_other_types_are_not_meant(name: str) -> None:
    """Names are whole, and a base is not its subclass."""
    assert not TypeName(name)(PaymentError())


def test_a_hostile_metaclass_is_not_asked() -> None:
    """Its code would run in the middle of the service's raise. Fault 42."""

    class Meta(type):
        def __hash__(cls) -> int:
            raise AssertionError

        def __eq__(cls, other: object) -> bool:
            raise AssertionError

        def __instancecheck__(cls, instance: object) -> bool:
            raise AssertionError

        @property
        def __name__(cls) -> str:
            raise AssertionError

        def mro(cls) -> list[type]:
            return [cls, Exception, BaseException, object]

    hostile = Meta("Hostile", (Exception,), {})
    assert TypeName("Hostile")(hostile())
    assert not TypeName("PaymentError")(hostile())


def test_whether_a_type_is_loaded_is_known() -> None:
    """So that a misspelt name is told when it is armed, and not when nothing came."""
    assert TypeName("CardError").is_loaded()
    assert not TypeName("NoSuchErrorAnywhere").is_loaded()


@pytest.mark.parametrize(
    ("pattern", "module", "expected"),
    [
        ("shop.*", "shop.cart", True),
        ("shop.*", "shop", True),
        ("shop.*", "shopping", False),
        ("shop", "shop.cart", True),
        ("shop", "shopping", False),
        ("*", "shop.cart", True),
        ("*", "pyrometer.agent.probes", False),
        ("", "shop.cart", True),
        ("", "pyrometer.agent", False),
        ("", "pyrometers", True),
    ],
)
def test_a_scope_is_a_pattern_of_modules(pattern: str, module: str, expected: bool) -> None:  # noqa: FBT001
    """Our own frames are in none."""
    assert Scope(pattern).has_module(module, "/srv/shop.py") is expected


def test_a_scope_that_is_not_named_leaves_out_the_standard_library() -> None:
    """By the module's name and its file together: a service may have a module of its own named `queue`."""
    scope = Scope("")
    assert not scope.has_module("json.decoder", json.decoder.__file__)
    assert not scope.has_module("importlib._bootstrap", "<frozen importlib._bootstrap>")
    assert scope.has_module("queue", "/srv/shop/queue.py")
    assert scope.has_module("requests", pytest.__file__)


def test_a_class_whose_name_is_a_text_of_its_own_kind_is_asked_nothing() -> None:
    """All exception classes are gone through to see whether one is loaded; none of their code runs. Fault 42."""

    class Name(str):
        __slots__ = ()

        def endswith(self, *_: object) -> bool:
            raise AssertionError

    odd = type("OddError", (Exception,), {"__qualname__": Name("OddlyNamedError")})
    assert TypeName("OddlyNamedError").is_loaded()
    assert not TypeName("NeverDefinedError").is_loaded()
    del odd


def test_a_standard_library_without_files_is_told_by_its_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs are packed into one file. Fault 32."""
    monkeypatch.delattr(os, "__file__")
    spec = importlib.util.spec_from_file_location("scopes_of_a_packed_program", scopes.__file__)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.is_standard_library("json.decoder", "/packed/json/decoder.pyc")
    assert not module.is_standard_library("shop.cart", "/packed/shop/cart.pyc")


def test_what_the_owner_forbids_is_out_of_scope() -> None:
    """Whatever the pattern says."""
    assert not Scope("*", lambda module: module == "shop.vault").has_module("shop.vault", "/srv/vault.py")


def test_a_frame_is_told_by_its_globals_and_remembered_by_its_code() -> None:
    """The table is bounded, and holds the code objects that it speaks of."""
    frame = sys._getframe()
    scope = Scope(__name__)
    assert scope(frame.f_code, frame)
    assert scope(frame.f_code, frame)
    assert not Scope("other")(frame.f_code, frame)


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that makes code objects without end does not grow by us."""
    monkeypatch.setattr(scopes, "MAX_REMEMBERED", 10)
    scope = Scope(__name__)
    frame = sys._getframe()
    for _ in range(50):
        assert scope(frame.f_code.replace(), frame)
    assert len(scope._known) <= 10
