"""The parts of a condition that was never true, and their values the next time that its place is reached."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pyrometer.client import documents
from pyrometer.client.errors import ClientError
from pyrometer.client.render.snapshot import told_here
from pyrometer.client.render.terminal import escape
from pyrometer.client.render.values import line_of
from pyrometer.client.session import open_look
from pyrometer.v1 import probe_pb2
from pyrometer.v1 import probe_service_pb2 as messages

if TYPE_CHECKING:
    from pyrometer.client.options import Where

LONGEST = 2.0
"""Seconds that are waited for it, after the time that was asked for."""
_OFTEN = 1.0
"""Times a second that a place must have been reached for it to be worth waiting."""
_MOST_PARTS = 4
_WIDEST = 40
_WITH_OWN_NAMES = (ast.GeneratorExp, ast.ListComp, ast.SetComp, ast.DictComp)


def glimpse(where: Where, probe: probe_pb2.Probe, summary: messages.ProbeSummary) -> str:
    """What the condition's names held the next time, in words; empty where that can't be had soon."""
    seen = sum(status.condition_false for status in summary.statuses)
    asked = parts(probe.condition)
    waited = probe.limits.ttl.ToMicroseconds() / 1e6
    if not asked or seen < max(1.0, waited * _OFTEN) or any(status.errors for status in summary.statuses):
        return ""
    try:
        values = _look(where, _question(probe, asked))
    except ClientError:
        return ""
    return ", ".join(f"{escape(text)} was {line_of(value, _WIDEST)}" for text, value in values.items())


def parts(condition: str) -> list[str]:
    """The names, attributes and items that a condition asks about, the first few."""
    try:
        tree = ast.parse(condition.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    return list(dict.fromkeys(_chains(tree.body)))[:_MOST_PARTS]


def _chains(node: ast.AST) -> Iterator[str]:
    """What is read, as long as it goes: `order.total`, not `order` as well; of a comprehension what it goes over."""
    if isinstance(node, (ast.Name, ast.Attribute, ast.Subscript)):
        yield ast.unparse(node)
    elif isinstance(node, ast.Call):
        within = [each for each in node.args if isinstance(each, _WITH_OWN_NAMES)]
        yield from [ast.unparse(each.generators[0].iter) for each in within] or [ast.unparse(node)]
    elif isinstance(node, _WITH_OWN_NAMES):
        yield ast.unparse(node.generators[0].iter)
    elif not isinstance(node, ast.Lambda):
        for each in ast.iter_child_nodes(node):
            yield from _chains(each)


def _question(probe: probe_pb2.Probe, asked: list[str]) -> probe_pb2.Probe:
    """A probe at the same place, for one hit, whatever the condition says."""
    question = probe_pb2.Probe(expressions=asked, limits=probe_pb2.ProbeLimits(hits=1, frames=1))
    place = probe.WhichOneof("location")
    if place is not None:
        getattr(question, place).CopyFrom(getattr(probe, place))
    if probe.HasField("watch"):  # `ret`, `exc` and `elapsed` are of whole calls
        question.watch.CopyFrom(probe_pb2.CallWatch())
    question.limits.ttl.FromMicroseconds(int(LONGEST * 1e6))
    return question


def _look(where: Where, question: probe_pb2.Probe) -> documents.Document:
    """The values of one hit; none where none came."""
    request = messages.OpenProbeRequest(service=where.service, pids=where.pids, probe=question)
    with open_look(where) as look:
        for message in look.call("OpenProbe", request):
            if message.event.HasField("hit"):
                hit = documents.hit(message.event)
                return told_here(hit["expressions"], hit["frames"])
    return {}
