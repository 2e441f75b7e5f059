"""Chains of what awaits what within one task: coroutines, generators, and the interpreter's own steps between them."""

from __future__ import annotations

import gc
import sys
from types import AsyncGeneratorType, CoroutineType, GeneratorType

from pyrometer.agent.attributes import is_builtin, qualified_name
from pyrometer.agent.stacks import outward

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType, FrameType

MAX_LINKS = 500
"""Steps of one chain; a chain of coroutines may be as deep as the recursion limit."""
_MAX_WALKED = 1000
"""Frames of a thread among which a coroutine's is sought."""
_STEPS = frozenset(("async_generator_asend", "async_generator_athrow", "coroutine_wrapper", "anext_awaitable"))
"""The interpreter's types between two of them, which show what they stand for only to the collector."""

_steps: dict[int, bool] = {}


def links(coro: object) -> Iterator[object]:
    """Coroutines and generators from the outermost in, of a task that does not run; the first is the task's own."""
    at: object = coro
    for _ in range(MAX_LINKS):
        kind = type(at)
        if kind is CoroutineType:
            yield at
            at = at.cr_await  # type: ignore[attr-defined]
        elif kind is GeneratorType:
            yield at
            at = at.gi_yieldfrom  # type: ignore[attr-defined]
        elif kind is AsyncGeneratorType:
            yield at
            at = at.ag_await  # type: ignore[attr-defined]
        elif at is not None and _is_step(kind):
            at = next((each for each in gc.get_referents(at) if _goes_on(each)), None)
        else:
            return


def place_of(coro: object) -> tuple[int, ...]:
    """The ids of a chain's codes, from the outermost in; makes no frame."""
    ids: list[int] = []
    while type(coro) is CoroutineType and len(ids) < MAX_LINKS:  # most are nothing else
        ids.append(id(coro.cr_code))
        coro = coro.cr_await
    if coro is not None and len(ids) < MAX_LINKS:
        ids += [id(code_of(link)) for link in links(coro)]
    return tuple(ids)


def code_of(link: object) -> CodeType | None:
    """The code of a coroutine or generator. Unlike its frame, it need not be made."""
    kind = type(link)
    if kind is CoroutineType:
        return link.cr_code  # type: ignore[attr-defined,no-any-return]
    if kind is GeneratorType:
        return link.gi_code  # type: ignore[attr-defined,no-any-return]
    return link.ag_code if kind is AsyncGeneratorType else None  # type: ignore[attr-defined]


def frame_of(link: object) -> FrameType | None:
    """The frame of one. The interpreter makes it when it is first asked for, and keeps it as long as the coroutine."""
    kind = type(link)
    if kind is CoroutineType:
        return link.cr_frame  # type: ignore[attr-defined,no-any-return]
    if kind is GeneratorType:
        return link.gi_frame  # type: ignore[attr-defined,no-any-return]
    return link.ag_frame if kind is AsyncGeneratorType else None  # type: ignore[attr-defined]


def frames(coro: object, chain: list[object]) -> list[FrameType]:
    """Frames of a chain, innermost first; of one that runs those of its thread."""
    own = [frame for link in reversed(chain) if (frame := frame_of(link)) is not None]
    return (_running_frames(frame_of(coro)) or own) if is_running(coro) else own


def _running_frames(outermost: FrameType | None) -> list[FrameType]:
    """Frames of the thread that executes a coroutine, from its innermost to the coroutine's own."""
    for top in sys._current_frames().values():
        walked: list[FrameType] = []
        for frame in outward(top, _MAX_WALKED):
            walked.append(frame)
            if frame is outermost:
                return walked
    return []


def is_running(coro: object) -> bool:
    """Whether a thread executes it at this moment."""
    kind = type(coro)
    if kind is CoroutineType:
        return coro.cr_running is True  # type: ignore[attr-defined]
    return kind is GeneratorType and coro.gi_running is True  # type: ignore[attr-defined]


def is_begun(coro: object) -> bool:
    """Whether it has executed anything yet; what is neither coroutine nor generator is taken to have."""
    kind = type(coro)
    if kind is CoroutineType:
        return coro.cr_suspended is True or coro.cr_running is True  # type: ignore[attr-defined]
    if kind is GeneratorType:
        return coro.gi_suspended is True or coro.gi_running is True  # type: ignore[attr-defined]
    return True


def _is_step(kind: type) -> bool:
    known = _steps.get(id(kind))
    if known is None:
        if not is_builtin(kind):  # it may end, and its id be another's
            return False
        known = _steps[id(kind)] = qualified_name(kind) in _STEPS
    return known


def _goes_on(obj: object) -> bool:
    kind = type(obj)
    if kind is CoroutineType or kind is GeneratorType or kind is AsyncGeneratorType:
        return True
    return _is_step(kind)
