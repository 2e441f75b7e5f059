"""`NamedTuple` for code that lives in somebody else's process, where `typing` would cost 0.7 MB, and on 3.14 more."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any
    from typing import NamedTuple as NamedTuple  # noqa: PLC0414 - told to the type checker
else:
    from collections import namedtuple

    class _Maker(type):
        """Makes a class body into a tuple with a field for each annotation, as `typing.NamedTuple` does."""

        def __new__(cls, name: str, _bases: tuple[type, ...], body: dict[str, Any]) -> type:
            """Return the tuple's class; the body's methods and constants come along."""
            fields = body["__annotations__"]
            defaults = [body[field] for field in fields if field in body]
            made = namedtuple(name, fields, defaults=defaults, module=body["__module__"])  # noqa: PYI024
            for key, value in body.items():
                if key not in fields and key != "__module__":
                    setattr(made, key, value)
            return made

    NamedTuple = type.__new__(_Maker, "NamedTuple", (), {})
