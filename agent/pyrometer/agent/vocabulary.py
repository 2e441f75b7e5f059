"""The words of the language: which operation each stands for, and what it lacks by intent.

Another entry, and a method of `Operations`, is all that another operation takes. A kind of node that stands neither
here nor in `translation` is refused.
"""

from __future__ import annotations

from pyrometer.link.records import NamedTuple


class Operation(NamedTuple):
    """A function or method of the language: a method of `Operations`, and how many arguments it takes."""

    method: str
    least: int
    most: int


FUNCTIONS = {
    "abs": Operation("magnitude", 1, 1),
    "all": Operation("all_true", 1, 1),
    "any": Operation("any_true", 1, 1),
    "len": Operation("length", 1, 1),
    "max": Operation("most", 1, 10),
    "min": Operation("least", 1, 10),
    "sum": Operation("total", 1, 1),
    "sorted": Operation("in_order", 1, 1),
    "isinstance": Operation("is_instance", 2, 2),
    "type": Operation("type_of", 1, 1),
    "str": Operation("as_text", 1, 1),
    "int": Operation("as_int", 1, 1),
    "float": Operation("as_float", 1, 1),
    "round": Operation("rounded", 1, 2),
}
LOOPING = {"any": "any_of", "all": "all_of", "max": "most", "min": "least", "sorted": "in_order", "sum": "total"}
"""Functions that look through their one argument, and the operation that does so with a generator.

Those of any() and all() take its elements one by one; the others a list of them.
"""
METHODS = {
    "get": Operation("get", 1, 2),
    "startswith": Operation("starts_with", 1, 1),
    "endswith": Operation("ends_with", 1, 1),
    "lower": Operation("lower", 0, 0),
    "upper": Operation("upper", 0, 0),
    "strip": Operation("strip", 0, 1),
    "lstrip": Operation("strip_left", 0, 1),
    "rstrip": Operation("strip_right", 0, 1),
    "split": Operation("split", 0, 2),
    "count": Operation("count", 1, 1),
    "find": Operation("position", 1, 1),
    "isdigit": Operation("is_digits", 0, 0),
}
BINARY = {
    "+": "add",
    "-": "subtract",
    "*": "multiply",
    "/": "divide",
    "//": "floor_divide",
    "%": "remainder",
    "&": "bits_and",
}
COMPARISONS = {
    "==": "equal",
    "!=": "unequal",
    "<": "less",
    "<=": "at_most",
    ">": "greater",
    ">=": "at_least",
    "in": "contains",
    "not in": "excludes",
}

_COMPARING = ("equal", "unequal", "less", "at_most", "greater", "at_least", "contains", "excludes")
_LOOKING_TOO = (
    *("cut", "item", "named_item", "length", "lower", "upper", "strip", "strip_left", "strip_right", "split"),
    *("add", "count", "position", "is_digits", "formatted", "as_text", "as_int", "as_float"),
)
_WALKING_TOO = ("get", "named_get", "item", "named_item", "any_true", "all_true", "each", "pairs", "keys", "values")
_BOTH = ("starts_with", "ends_with", "least", "most", "total", "in_order")

LOOKING = frozenset((*_COMPARING, *_LOOKING_TOO, *_BOTH))
"""Operations that look into texts."""
WALKING = frozenset((*_COMPARING, *_WALKING_TOO, *_BOTH))
"""Operations that look through containers."""

LACKS: dict[str, tuple[str, str]] = {
    "GeneratorExp": (
        "a generator by itself",
        f"Write a list, [… for … in …], or give it to one of: {', '.join(LOOPING)}",
    ),
    "Lambda": ("a lambda", "Write what it would give."),
    "NamedExpr": ("an assignment", "Write the value where it is used; == compares."),
    "Await": ("await", "It would run the service's code; read what is stored."),
    "Yield": ("yield", "It would run the service's code; read what is stored."),
    "YieldFrom": ("yield", "It would run the service's code; read what is stored."),
    "Starred": ("a star", "Name the elements one by one."),
    "Slice": ("a slice within a tuple", "Slice one dimension: items[1:3]"),
}
"""What it lacks by intent, and what to write instead."""

SIGNS: dict[str, str] = {
    "Eq": "==",
    "NotEq": "!=",
    "Lt": "<",
    "LtE": "<=",
    "Gt": ">",
    "GtE": ">=",
    "In": "in",
    "NotIn": "not in",
    "Is": "is",
    "IsNot": "is not",
    "Add": "+",
    "Sub": "-",
    "Mult": "*",
    "Div": "/",
    "FloorDiv": "//",
    "Mod": "%",
    "BitAnd": "&",
}

INTERNALS = frozenset(
    (
        *("gi_frame", "gi_code", "gi_yieldfrom", "cr_frame", "cr_code", "cr_await", "cr_origin"),
        *("ag_frame", "ag_code", "ag_await", "tb_frame", "tb_next", "f_back", "f_builtins", "f_code", "f_globals"),
        *("f_locals", "f_trace", "co_code", "co_consts", "co_names", "co_cellvars", "co_freevars", "co_varnames"),
        *("func_globals", "func_code", "func_closure", "im_func", "im_self", "im_class", "cell_contents", "mro"),
    )
)
"""Attributes of frames, code, generators and functions, from which all of the process can be reached."""
