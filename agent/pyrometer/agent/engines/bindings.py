"""How a line's callback gets at the names that its condition reads, as quickly as this version of Python allows.

Reading costs more than all the rest of a condition. On 3.13 and later `f_locals` is a view that reads one variable at
a time. On 3.12 it would rewrite a dict that the service may hold; there the variables are read where they lie.
"""

from __future__ import annotations

import sys

from pyrometer.agent.engines.callbacks import Source, frame_binding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import CodeType

_OPTIMIZED = 1
"""Flag of a code object whose variables are numbered: functions, but not bodies of modules and classes."""


def fast_binding(names: Iterable[str], code: CodeType, mark: str) -> Source:
    """Statements that bind `v_NAME` for each name in a frame of this code, or leave it unbound where it has no value.

    They bind the frame as `frame` and the mark, if there is any name.
    """
    if not code.co_flags & _OPTIMIZED or sys.version_info < (3, 13):
        return frame_binding(names, "getframe(1)", mark)
    own = {*code.co_varnames, *code.co_cellvars, *code.co_freevars}
    local = [name for name in names if name in own]
    found = frame_binding([name for name in names if name not in own], "getframe(1)", mark)
    if not local:
        return found
    lines = [f"frame{mark} = getframe(1)", f"locals{mark} = frame{mark}.f_locals"]
    for name in local:
        lines += [f"try: v_{name} = locals{mark}[{name!r}]", "except KeyError: pass"]
    return Source([*lines, *found.lines[1:]], found.namespace)
