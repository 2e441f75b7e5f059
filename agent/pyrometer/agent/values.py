"""Bounded, redacted copies of any object, in the wire form of `link.model.hit_event`, running none of its code.

Types are told by identity and by the interpreter's flags; content is read through the builtin types' own methods; what
goes out has been cut before it was encoded. Values are taken breadth first, so that one deep one does not use up the
budget of those beside it.
"""

from __future__ import annotations

from itertools import islice

from pyrometer.agent.drafts import Describer, Draft, Message, Text
from pyrometer.agent.frames import UNSET, read_values
from pyrometer.agent.getters import DICT_SUBCLASS, flags_of
from pyrometer.agent.known import member_names, member_text
from pyrometer.agent.messages import DECIMAL_BITS, message_of
from pyrometer.agent.nodes import (
    REDACTED,
    Node,
    Redacted,
    note_size,
    redacted,
    redacted_as,
    shape_of,
    special,
    stub,
    unreadable,
)
from pyrometer.agent.readings import Reading, reading_of
from pyrometer.agent.unpatched import native
from pyrometer.guard.texts import MARGIN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import FrameType
    from typing import Any

    from pyrometer.guard.redaction import Redactor
    from pyrometer.link.model import ProbeLimits

__all__ = ["REDACTED", "Capture", "Redacted", "unreadable"]

MAX_NODES = 1000
"""Values of one capture; those of a frame itself are shown even beyond."""
MAX_SECONDS = 0.005
"""CPU time of one capture."""
MAX_WALL = 0.1
"""Time on the clock, in which others may have had the processor: a machine that is crowded is to show values too."""
MAX_BYTES = 700_000
"""Bytes of one capture, encoded, at the worst; an event may have 1 MiB."""
MAX_LOCALS = 200
"""Variables of one frame."""
MAX_FIELDS = 50
"""Attributes of one object, where the limit of items is not higher."""
MAX_MESSAGE = 1000
"""Characters of an exception's message, where the limit of length is not higher."""

_LEAST_SHARE = 50
_WIDE = 64
"""Characters up to which a text is taken without a look at the clock."""
_SMALL = 16
"""Items of a container that is read at once."""
_WORD = 1 << 63
_WIDEST = 12
"""Bytes of one character beyond 16 bits, escaped."""
_NODE = 80
"""Bytes that a node takes, its texts apart."""
_SPARSE = 1_000_000
"""Empty places that the interpreter may have to step over to find the first item: about 2 ms."""


class Capture:
    """What is copied at one hit. Limits, budgets and the table of aliases are those of all its values together.

    Use it in one thread, and drop it with the hit: it holds what it has seen, so that an id can't be reused meanwhile.
    Raises nothing of its own; MemoryError, RecursionError and whatever a signal handler raises pass through.
    """

    __slots__ = (
        *("_began", "_bytes", "_deadline", "_describer", "_fields", "_items", "_late", "_left", "_length", "_limits"),
        *("_patience", "_pay", "_queue", "_redactor", "_references", "_seen", "_shape", "_started", "_verdicts"),
    )

    def __init__(
        self,
        limits: ProbeLimits,
        redactor: Redactor,
        *,
        shape: bool = False,
        patience: int = 1,
        pay: Callable[[float], None] | None = None,
    ) -> None:
        """Begin: the clock runs from here.

        Args:
            shape: show types, sizes and structure, no content.
            patience: how many times `MAX_SECONDS` it may take; over 1 only where no thread of the service's waits.
            pay: is told the seconds that describing drafts takes.
        """
        self._limits = limits
        self._redactor = redactor
        self._shape = shape
        self._patience = patience
        self._pay = pay
        self._length = limits.length
        self._items = limits.items
        self._fields = max(limits.items, MAX_FIELDS)
        self._verdicts = redactor.verdicts
        self._describer = Describer(redactor, limits.length)
        self._left = MAX_NODES
        self._bytes = MAX_BYTES
        self._queue: list[tuple[Node, Any, Reading, int]] = []
        self._seen: dict[int, tuple[Any, Node]] = {}
        self._references = 0
        self._late = False
        self._started: float | None = None
        self._began = native.perf_counter()
        self._deadline = self._began + min(_UNTIMED, MAX_SECONDS)

    @property
    def used_bytes(self) -> int:
        """Bytes of what was copied so far, encoded, at the worst."""
        return MAX_BYTES - self._bytes

    @property
    def is_late(self) -> bool:
        """Whether the budget of time or size is used up."""
        return self._is_late()

    def value(self, obj: object, name: str | None = None) -> Node:
        """Copy a value; withhold it if its name says so."""
        if name is not None and self._verdicts[name]:
            return redacted(type(obj), "name")
        return self._describer.node(self._read(obj))

    def locals(self, frame: FrameType) -> list[list[Any]]:
        """Copy the variables of a frame; a last one named `…` tells how many were left out."""
        return self._describer.named(*self._read_all(*read_values(frame)))

    def variables(self, variables: list[tuple[str, Any]]) -> list[list[Any]]:
        """Copy variables that have been read; a last one named `…` tells how many were left out."""
        return self._describer.named(*self._read_all([name for name, _ in variables], [held for _, held in variables]))

    def draft(self, obj: object) -> Draft:
        """What `value` gives, to be described when it is sent."""
        return Draft(self._describer, self._read(obj), self._pay)

    def draft_locals(self, frame: FrameType) -> Draft:
        """What `locals` gives, to be described when it is sent."""
        return self.draft_named(*read_values(frame))

    def draft_named(self, names: Sequence[str], values: list[Any]) -> Draft:
        """What `variables` gives, to be described when it is sent."""
        names, raw = self._read_all(names, values)
        return Draft(self._describer, raw, self._pay, names)

    def draft_message(self, exc: BaseException) -> Message:
        """What `str(exc)` would give where the class leaves that to Python: from `args`, never by its own `__str__`."""
        return self.draft_words("" if self._shape else message_of(exc, self._most_words() + MARGIN))

    def draft_words(self, text: str) -> Message:
        """A text of an exception's, bounded, to be searched for secrets when it is sent; empty for shapes only."""
        most = self._most_words()
        return Message(self._redactor, "" if self._shape else text[: most + MARGIN], most)

    def _most_words(self) -> int:
        return max(self._limits.length, MAX_MESSAGE)

    def _read(self, obj: Any) -> Any:
        raw = self._node(obj, 0, "")
        if self._queue:
            self._fill_queued()
        return raw

    def _read_all(self, names: Sequence[str], values: list[Any]) -> tuple[Sequence[str], list[Any]]:
        """Read variables, in place, each with what it holds before the next one's turn.

        Scalars are most of them: they are told here, as `_node` would, for a call takes longer than that.
        """
        count = min(len(values), MAX_LOCALS)
        if self._shape or count < len(values) or self._is_late():
            return self._read_each(names, values)
        short = min(_WIDE, self._length)
        characters = sum(map(len, names))
        for index, value in enumerate(values):
            cls = type(value)
            if cls is str and len(value) <= short:
                characters += len(value)
            elif value is None or cls is bool or cls is float or (cls is int and -_WORD < value < _WORD):
                continue
            elif self._is_late():
                return self._cut_off(names, values, index, "budget")
            else:
                values[index] = self._look_into(value, cls, names[index])
        self._left -= count
        self._bytes -= _NODE * count + _WIDEST * characters
        return names, values

    def _read_each(self, names: Sequence[str], values: list[Any]) -> tuple[Sequence[str], list[Any]]:
        """Read variables where there are too many of them, it is late, or only shapes may be shown."""
        for index, value in enumerate(values):
            if index >= MAX_LOCALS or (not index & _CHECK and self._is_late()):
                return self._cut_off(names, values, index, "items" if index >= MAX_LOCALS else "budget")
            self._bytes -= _WIDEST * len(names[index])
            values[index] = self._look_into(value, type(value), names[index])
        return names, values

    def _cut_off(
        self, names: Sequence[str], values: list[Any], index: int, why: str
    ) -> tuple[Sequence[str], list[Any]]:
        return [*names[:index], "…"], [*values[:index], stub("", "other", len(values), why)]

    def _look_into(self, value: Any, cls: type, name: str) -> Any:
        """Read one variable and all that it holds."""
        if cls is dict or cls is list or cls is tuple:
            node = self._flat(value, cls, name)
            if node is not None:
                return node
        raw = self._node(value, 0, name)
        if self._queue:
            self._fill_queued()
        return raw

    def _flat(self, obj: Any, cls: type, name: str) -> Node | None:
        """Read a small container at once if all that it holds are scalars; else None."""
        size = len(obj)
        if self._verdicts[name] or self._shape or not self._limits.depth:
            return None
        word = "dict" if cls is dict else "list" if cls is list else "tuple"
        if id(obj) in self._seen:
            return self._reference(word, self._seen[id(obj)][1])
        if not 0 < size <= min(_SMALL, self._items):
            return None
        shown: Any = obj[:] if cls is not dict else self._take(dict.items, obj, size)
        short = min(_WIDE, self._length)
        characters = 0
        for value in shown if cls is not dict else [part for entry in shown or () for part in entry]:
            kind = type(value)
            if kind is str and len(value) <= short:
                characters += len(value)
            elif not (value is None or kind is bool or kind is float or (kind is int and -_WORD < value < _WORD)):
                return None
        if not shown or len(shown) != len(obj):
            return None
        self._left -= 2 * size
        self._bytes -= 2 * _NODE * size + _WIDEST * characters
        node: Node = {"type": word, "kind": word, "entries" if cls is dict else "items": shown}
        self._seen[id(obj)] = (obj, node)
        return node

    def _node(self, obj: Any, depth: int, name: str) -> Any:
        """Begin to read any value: a scalar stands for itself; what has content is queued, to be filled later.

        Whether the name is secret is asked here only for what would be looked into; the rest is asked when described.
        """
        self._left -= 1
        self._bytes -= _NODE
        cls = type(obj)
        if self._shape:
            return (
                redacted(cls, "name") if name and self._verdicts[name] else self._node_of(obj, reading_of(cls), depth)
            )
        if cls is str:
            if (size := len(obj)) <= _WIDE and size <= self._length:
                self._bytes -= _WIDEST * size
                return obj
            return self._text(obj, "str", "str", str)
        if cls is int:
            return obj if -_WORD < obj < _WORD else self._int(obj, "int")
        if obj is None or cls is bool or cls is float:
            return obj
        if name and obj is not UNSET and self._verdicts[name]:
            return redacted(cls, "name")
        return self._node_of(obj, reading_of(cls), depth)

    def _node_of(self, obj: Any, reading: Reading, depth: int) -> Any:
        self._bytes -= _WIDEST * len(reading.type)
        if obj is UNSET or type(obj) is Redacted:
            return special(obj, reading)
        if reading.kind in _FILLERS:
            return self._container(obj, reading, depth)
        return shape_of(obj, reading) if self._shape else self._scalar(obj, reading)

    def _scalar(self, obj: Any, reading: Reading) -> Any:
        kind = reading.kind
        if kind in ("str", "bytes"):
            return self._text(obj, reading.type, kind, reading.base)
        if kind == "int":
            return self._int(obj, reading.type)
        if kind == "float":
            return {"type": reading.type, "kind": "float", "value": float.__repr__(obj)}
        if reading.text is not None and (text := reading.text(obj)) is not None:
            name = self._name_in(obj) if reading.text is member_text else ""
            return Text(reading.type, "other", text[: self._length + MARGIN], len(text), name)
        return special(obj, reading)

    def _text(self, obj: Any, type_name: str, kind: str, base: Any) -> Any:
        """Read a text or bytes as far as the limit goes, and as much more as tells whether that holds a secret."""
        size, length = base.__len__(obj), self._length
        if size > _WIDE and self._is_late():
            return stub(type_name, kind, size, "budget")
        is_whole = size <= length and type(obj) is str
        text = obj if is_whole else base.__getitem__(obj, slice(length + MARGIN))
        if base is not str:
            text = text.decode("latin-1")
        self._bytes -= (6 if text.isascii() else _WIDEST) * min(size, length)
        if self._bytes < 0:
            return stub(type_name, kind, size, "budget")
        return obj if is_whole else Text(type_name, kind, text, size)

    def _int(self, obj: Any, type_name: str) -> Node:
        """Copy an int in decimal; beyond what every interpreter converts, its first hexadecimal digits."""
        bits = int.bit_length(obj)
        if bits <= DECIMAL_BITS:
            rule = self._redactor.secret_number(int.__pos__(obj))
            if rule is not None:
                return redacted_as(type_name, f"value: {rule}")
            return {"type": type_name, "kind": "int", "value": int.__repr__(obj)}
        digits = (bits + 3) // 4
        left_out = max(0, digits - self._limits.length)
        node = {"type": type_name, "kind": "int", "value": hex(int.__rshift__(obj, 4 * left_out))}
        self._bytes -= digits - left_out
        return {**node, "size": digits, "why": "length"} if left_out else node

    def _container(self, obj: Any, reading: Reading, depth: int) -> Node:
        """Queue what has content, or refer to where it was seen; empty and too deep ones are finished at once."""
        size = reading.base.__len__(obj) if reading.base is not None else None
        node: Node = {"type": reading.type, "kind": reading.kind}
        if size == 0:
            return {**node, _CONTENT[reading.kind]: []}
        if depth >= self._limits.depth:
            return stub(reading.type, reading.kind, size, "depth")
        seen = self._seen.get(id(obj))
        if seen is not None:
            return self._reference(reading.type, seen[1])
        self._seen[id(obj)] = (obj, node)
        self._queue.append((node, obj, reading, depth))
        return node

    def _reference(self, type_name: str, first: Node) -> Node:
        if "ref" not in first:
            self._references += 1
            first["ref"] = self._references
        return {"type": type_name, "kind": "ref", "ref": first["ref"]}

    def _fill_queued(self) -> None:
        """Fill what is queued, and what that queues, until its share of the budget is used up."""
        queue = self._queue
        floor = max(0, self._left - max(_LEAST_SHARE, self._left // 3))
        for node, obj, reading, depth in queue:
            if self._left <= floor or self._is_late():
                self._cut(node, obj, reading)
            else:
                _FILLERS[reading.kind](self, node, obj, reading, depth + 1)
        self._queue = []

    def _cut(self, node: Node, obj: Any, reading: Reading) -> None:
        """Give up a queued value; it may be filled yet where it is met again."""
        del self._seen[id(obj)]
        size = reading.base.__len__(obj) if reading.base is not None else None
        node.update(stub(reading.type, reading.kind, size, "budget"))

    def _fill_items(self, node: Node, obj: Any, reading: Reading, depth: int) -> None:
        base = reading.base
        items: list[Any] | tuple[Any, ...] | None
        if base is list or base is tuple:
            items = base.__getitem__(obj, slice(self._items))
        else:
            items = self._take(base.__iter__, obj, self._items)
        if items is None:
            node.update(_unfilled(base, obj))
            return
        name = self._name_in(items[0]) if len(items) == 2 else ""
        node["items"] = shown = []
        for index, item in enumerate(items):
            if not index & _CHECK and self._is_late():
                break
            shown.append(self._node(item, depth, name if index else ""))
        note_size(node, base.__len__(obj), len(shown), whole=len(shown) == len(items))

    def _fill_entries(self, node: Node, obj: Any, _reading: Reading, depth: int) -> None:
        entries = self._take(dict.items, obj, self._items)
        if entries is None:
            node.update(_unfilled(dict, obj))
            return
        node["entries"] = shown = []
        for index, (key, value) in enumerate(entries):
            if not index & _CHECK and self._is_late():
                break
            name = key[:_NAME] if type(key) is str else self._name_in(key)
            shown.append((self._node(key, depth, ""), self._node(value, depth, name)))
        note_size(node, dict.__len__(obj), len(shown), whole=len(shown) == len(entries))

    def _fill_fields(self, node: Node, obj: Any, reading: Reading, depth: int) -> None:
        fields, size = self._fields_of(obj, reading)
        if fields is None:
            node.update(kind="unreadable", why="its attributes changed while they were read")
            return
        node["fields"] = shown = []
        for index, (name, value) in enumerate(fields):
            if not index & _CHECK and self._is_late():
                break
            self._bytes -= _WIDEST * len(name)
            shown.append((name, self._node(value, depth, name)))
        note_size(node, size, len(shown), whole=len(shown) == len(fields))

    def _fields_of(self, obj: Any, reading: Reading) -> tuple[list[tuple[str, Any]] | None, int]:
        """Names and values of attributes, as many as may be shown, and how many there are."""
        if reading.names:
            size = tuple.__len__(obj)
            return [*zip(reading.names, tuple.__getitem__(obj, slice(self._fields)), strict=False)], size
        fields = [(name, _slot(get, obj)) for name, get in islice(reading.slots, self._fields)]
        size = len(reading.slots)
        stored = reading.dict_of(obj) if reading.dict_of else None
        if stored is None or not flags_of(type(stored)) & DICT_SUBCLASS:
            return fields, size
        entries = self._take(dict.items, stored, self._fields - len(fields))
        if entries is None:
            return None, 0
        fields += [(key[:_NAME] if type(key) is str else self._name_in(key) or "?", value) for key, value in entries]
        return fields, size + dict.__len__(stored)

    def _name_in(self, key: Any) -> str:
        """A key that may be a name, as text: bytes, subclasses of str and members of enumerations count; else ""."""
        reading = reading_of(type(key))
        if reading.kind == "str":  # it need not be a key yet, and a long one would be hashed whole
            return str.__getitem__(key, slice(_NAME))
        if reading.text is member_text:
            names = [name[:_NAME] for name in member_names(key)]
            return next((name for name in names if self._verdicts[name]), names[0] if names else "")
        return bytes.__getitem__(key, slice(_NAME)).decode("latin-1") if type(key) is bytes else ""

    def _take(self, iterate: Callable[[Any], Any], obj: Any, count: int) -> list[Any] | None:
        """The first items in one step; None where they change all the time or can't be reached quickly."""
        if _is_sparse(obj):
            return None
        for _ in range(3):
            try:
                return list(islice(iterate(obj), count))
            except RuntimeError as error:
                if type(error) is not RuntimeError or error.__traceback__.tb_next is not None:  # type: ignore[union-attr]
                    raise  # a signal's, not the iterator's
        return None

    def _is_late(self) -> bool:
        """Whether the budget of time or size is used up. Time that other threads took counts up to `MAX_WALL` only."""
        if self._late or self._bytes < 0:
            return True
        now = native.perf_counter()
        if now < self._deadline:
            return False
        if self._started is None:  # most captures never come here: asking for a thread's own time is a system call
            self._started = native.thread_time() - min(now - self._began, _UNTIMED)
        left = self._patience * MAX_SECONDS - (native.thread_time() - self._started)
        self._late = left <= 0 or now > self._began + self._patience * MAX_WALL
        self._deadline = now + left
        return self._late


def _unfilled(base: Any, obj: Any) -> Node:
    if _is_sparse(obj):
        return {"size": base.__len__(obj), "why": "budget"}
    return {"kind": "unreadable", "why": "it changed while it was read"}


def _is_sparse(obj: Any) -> bool:
    """Whether a dictionary or set is so large and so empty that finding its first item takes milliseconds."""
    if type(obj) is dict:
        return dict.__sizeof__(obj) // 30 - len(obj) > _SPARSE
    flags = flags_of(type(obj))
    if flags & DICT_SUBCLASS:
        return dict.__sizeof__(obj) // 30 - dict.__len__(obj) > _SPARSE
    for base in (set, frozenset):
        if issubclass(type(obj), base):
            return base.__sizeof__(obj) // 16 > 2 * _SPARSE
    return False


def _slot(get: Callable[[Any], Any], obj: Any) -> Any:
    try:
        return get(obj)
    except AttributeError:
        return UNSET


_NAME = 200
"""Characters of an attribute's name."""
_CHECK = 7
"""A look at the clock every 8 items: each may be of a class that was never seen before."""
_UNTIMED = 0.0005
"""Seconds of a capture after which the thread's own time is asked for."""
_CONTENT = {"list": "items", "tuple": "items", "set": "items", "dict": "entries", "object": "fields"}
_FILLERS: dict[str, Callable[[Capture, Node, Any, Reading, int], None]] = {
    "list": Capture._fill_items,
    "tuple": Capture._fill_items,
    "set": Capture._fill_items,
    "dict": Capture._fill_entries,
    "object": Capture._fill_fields,
}
