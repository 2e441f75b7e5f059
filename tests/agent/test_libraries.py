"""Faults 43 and 50: objects of libraries that do much when they are looked at."""

from __future__ import annotations

import gc
import importlib.util
import json
import sys
import types
import unittest.mock
from typing import Any

import pytest

from pyrometer.agent import frames, values
from pyrometer.agent.expressions import EvaluationError, compile_expression
from pyrometer.agent.values import Capture
from pyrometer.guard.redaction import Redactor
from pyrometer.link.model import ProbeLimits


@pytest.fixture(autouse=True)
def _prepared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Budgets of time are out of the way: the machine may be busy."""
    frames.prepare()
    monkeypatch.setattr(values, "MAX_SECONDS", 60.0)
    monkeypatch.setattr(values, "MAX_WALL", 60.0)


def capture(obj: object) -> dict[str, Any]:
    node = Capture(ProbeLimits(depth=2), Redactor()).value(obj)
    assert json.dumps(node)
    return node


def test_a_mock_is_not_called() -> None:
    """A mock takes note of whatever is done to it, and makes attributes when they are asked for."""
    mock = unittest.mock.MagicMock(name="gateway")
    before = dict(mock.__dict__)
    capture(mock)
    for text in ("mock.amount > 5", "mock == 5", "len(mock) > 1", "mock[0] == 1", "5 in mock"):
        with pytest.raises(EvaluationError):
            compile_expression(text, Redactor(), condition=True).test(lambda _: mock)
    assert mock.mock_calls == []
    assert dict(mock.__dict__) == before


def test_a_wrapped_object_is_not_reached_through_its_proxy() -> None:
    """A proxy has a `__dict__` that is another object's."""
    import wrapt

    touched: list[str] = []

    class Secretive:
        def __getattribute__(self, name: str) -> Any:
            touched.append(name)
            return object.__getattribute__(self, name)

    proxy = wrapt.ObjectProxy(Secretive())
    touched.clear()
    node = capture(proxy)
    assert touched == []
    assert node["kind"] in ("other", "unreadable", "object")


@pytest.mark.once
def test_a_local_proxy_is_not_bound() -> None:
    """Reading werkzeug's `request` outside of a request raises, and inside makes things."""
    from werkzeug.local import LocalProxy

    asked: list[int] = []
    capture(LocalProxy(lambda: asked.append(1)))
    assert asked == []


@pytest.mark.once
def test_arrays_are_told_by_type_shape_and_first_numbers() -> None:
    """By what numpy itself keeps; nothing is converted, copied or, of a mapped file, read."""
    import numpy as np

    array = np.arange(12.0).reshape(3, 4)
    shown = "float64 (3, 4) [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, …]"
    assert capture(array) == {"type": "numpy.ndarray", "kind": "other", "value": shown}
    assert capture(np.array([True, False]))["value"] == "bool (2,) [True, False]"
    assert capture(np.zeros(0, "int8"))["value"] == "int8 (0,) []"
    assert capture(np.array(["x", "hunter2"]))["value"] == "str (2,)"
    assert "hunter2" not in json.dumps(capture(np.array(["hunter2"], dtype=object)))
    assert capture(np.int64(7)) == {"type": "numpy.int64", "kind": "other", "value": "7"}
    assert capture(np.float64(1.5))["value"] == "1.5"
    assert capture(np.float32(1.5))["value"] == "1.5"
    assert capture(np.str_("text"))["kind"] == "str"
    assert capture(np.array([4111111111111111]))["kind"] == "redacted"


@pytest.mark.once
def test_a_subclass_of_array_runs_nothing() -> None:
    """It may define what happens when one is made of it or its elements are taken."""
    import numpy as np

    called: list[str] = []

    class Hooked(np.ndarray):  # type: ignore[misc, name-defined]
        def __array_finalize__(self, obj: object) -> None:
            called.append("finalize")

        def __getitem__(self, index: object) -> Any:
            called.append("getitem")

        def item(self, *_: object) -> Any:
            called.append("item")

        shape = property(lambda self: called.append("shape"))

    array = np.arange(3).view(Hooked)
    called.clear()
    assert capture(array)["value"].startswith("int64 (3,)")
    assert called == []


@pytest.mark.once
def test_a_lazy_relation_is_not_loaded() -> None:
    """SQLAlchemy: what is loaded is shown; what is not stays so, and no statement is sent."""
    import sqlalchemy
    from sqlalchemy import orm

    base = orm.declarative_base()

    class Customer(base):  # type: ignore[valid-type, misc]
        __tablename__ = "customers"
        id = sqlalchemy.Column(sqlalchemy.Integer, primary_key=True)
        name = sqlalchemy.Column(sqlalchemy.String)
        orders = orm.relationship("Order")

    class Order(base):  # type: ignore[valid-type, misc]
        __tablename__ = "orders"
        id = sqlalchemy.Column(sqlalchemy.Integer, primary_key=True)
        customer = sqlalchemy.Column(sqlalchemy.ForeignKey("customers.id"))

    engine = sqlalchemy.create_engine("sqlite://")
    base.metadata.create_all(engine)
    statements: list[str] = []
    with orm.Session(engine) as session:
        session.add(Customer(id=1, name="Ann", orders=[Order(id=2)]))
        session.commit()
        customer = session.get(Customer, 1)
        sqlalchemy.event.listen(engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
        fields = dict(capture(customer)["fields"])
        with pytest.raises(EvaluationError):
            compile_expression("customer.orders", Redactor()).evaluate(lambda _: customer)
        capture(session)
    engine.dispose()
    assert statements == []
    assert fields["name"]["value"] == "Ann"
    assert "orders" not in fields


@pytest.mark.once
def test_a_query_set_is_not_run() -> None:
    """Django: looking at a query set must not ask the database. The rows of one that was run are shown."""
    from django.conf import settings

    if not settings.configured:
        settings.configure(DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}})
    import django
    from django.db import connection, models

    django.setup()

    class Ticket(models.Model):
        subject = models.CharField(max_length=50)

        class Meta:
            app_label = "shop"

    def refuse(*_: Any) -> Any:
        raise AssertionError("a query was sent")

    queries = Ticket.objects.filter(subject="x")
    ticket = Ticket(subject="late")
    with connection.execute_wrapper(refuse):
        node = capture(queries)
        fields = dict(capture(ticket)["fields"])
        capture(connection)
    connection.close()
    assert node["type"].endswith("QuerySet")
    assert dict(node["fields"])["_result_cache"]["kind"] == "none"
    assert fields["subject"]["value"] == "late"


@pytest.fixture(scope="module")
def orders() -> Any:
    """A table with columns of several kinds, of which some lie together in one array."""
    import pandas as pd

    columns = {"name": ["Ann", "Bo"], "qty": [1, 2], "price": [1.5, 2.5], "password": ["hunter2", "x"], "size": [3, 4]}
    when = pd.to_datetime(["2026-01-01", "2026-01-02"])
    return pd.DataFrame({**columns, "kind": pd.Categorical(["a", "b"]), "when": when, 7: [object(), None]})


@pytest.mark.once
def test_tables_are_told_by_shape_and_columns(orders: Any) -> None:
    """pandas: each column with its type, in the table's order; none of the values."""
    text = capture(orders["name"])["value"].split()[1]
    assert text in ("StringDtype", "object")  # of pandas 3 and 2
    shown = (
        f"(2, 8) name {text}, qty int64, price float64, password {text}, size int64, kind category, "
        f"when datetime64, 7 object"
    )
    assert capture(orders) == {"type": "pandas.DataFrame", "kind": "other", "value": shown}
    assert capture(orders["qty"])["value"] == "qty int64 (2,)"
    assert capture(orders["kind"])["value"] == "kind category (2,)"
    assert capture(orders.index)["value"] == "int64 (2,)"
    assert capture(orders.columns)["value"] == "object (8,)"
    assert capture(orders.set_index(["name", "qty"]).index)["value"] == "2 levels (2,)"
    assert capture(orders["when"].dt.tz_localize("UTC"))["value"] == "when DatetimeTZDtype (2,)"


@pytest.mark.once
def test_a_wide_table_is_told_by_its_first_columns() -> None:
    """However many there are; views, reversed columns and an empty table too."""
    import numpy as np
    import pandas as pd

    wide = pd.DataFrame(np.zeros((3, 1000)))
    text = capture(wide)["value"]
    assert text.startswith("(3, 1000) 0 float64, 1 float64, ")
    assert text.endswith("19 float64, … 980 more")
    assert capture(wide.iloc[:1, 3:1:-1])["value"] == "(1, 2) 3 float64, 2 float64"
    assert capture(pd.DataFrame())["value"] == "(0, 0)"


@pytest.mark.once
def test_what_is_no_time_and_no_value_is_not_shown_as_one() -> None:
    """Pandas' NaT is a datetime to the interpreter, of the year 1."""
    import pandas as pd

    assert capture(pd.NaT)["value"] == "NaT"
    assert capture(pd.NA)["value"] == "<NA>"
    assert capture(pd.Timestamp("2026-01-02T03:04:05"))["value"] == "2026-01-02T03:04:05"


@pytest.mark.once
def test_a_subclass_of_a_table_runs_nothing(orders: Any) -> None:
    """It may compute what pandas keeps, and pandas itself computes most of what is asked of it."""
    import pandas as pd

    called: list[str] = []

    class Hooked(pd.DataFrame):
        shape = columns = dtypes = property(lambda self: called.append("property"))

        def __getattr__(self, name: str) -> Any:
            called.append(name)
            raise AttributeError(name)

    table = Hooked.__new__(Hooked)
    table.__dict__.update(orders.__dict__)
    called.clear()
    assert capture(table)["value"] == capture(orders)["value"]
    assert called == []


@pytest.mark.once
def test_types_of_elements_are_told_by_name() -> None:
    """Letters, as numpy has them, are nobody's words."""
    import numpy as np

    for name, text in (("int8", "int8"), ("U3", "str"), ("O", "object"), ("M8[ns]", "datetime64"), ("?", "bool")):
        assert capture(np.dtype(name))["value"] == text


@pytest.fixture
def tensors(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Torch where it is there; else a stand-in on numpy's array, whose getters are C and have the same names.

    What it does not show: that torch's own getters wait for no device, which is read in its source.
    """
    if importlib.util.find_spec("torch") is not None:
        return importlib.import_module("torch")
    import numpy as np

    torch, torch_c = types.ModuleType("torch"), types.ModuleType("torch._C")
    torch_c.__dict__["_len_torch_function_stack"] = gc.get_debug
    torch.__dict__["Tensor"] = type("Tensor", (np.ndarray,), {"__module__": "torch"})
    torch.__dict__["zeros"] = lambda *shape: np.zeros(shape, "float32").view(torch.Tensor)
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "torch._C", torch_c)
    return torch


@pytest.mark.once
def test_tensors_are_told_by_type_shape_and_device(tensors: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """torch: nothing is copied from a device or waited for, and a mode that sees all operations sees none of ours."""
    node = capture(tensors.zeros(2, 3))
    assert node["type"] == "torch.Tensor"
    assert node["value"].startswith("float32 (2, 3)")
    assert capture(tensors.zeros(4))["value"].startswith("float32 (4,)")
    called: list[str] = []

    class Hooked(tensors.Tensor):  # type: ignore[misc, name-defined]
        shape = property(lambda self: called.append("shape"))

        @classmethod
        def __torch_function__(cls, *_: Any) -> Any:
            called.append("function")

    hooked = (
        tensors.zeros(1).view(Hooked)
        if "numpy" in str(tensors.Tensor.__mro__)
        else tensors.Tensor._make_subclass(Hooked, tensors.zeros(1))
    )
    called.clear()
    assert "value" not in capture(hooked)
    assert called == []
    monkeypatch.setattr(sys.modules["torch._C"], "_len_torch_function_stack", gc.get_threshold)
    assert "value" not in capture(tensors.zeros(1))
