"""All rules together: findings worst first, each thread once, and what is all right."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from pyrometer.client.findings import loops, peers, resources, threads, waits
from pyrometer.client.findings.commands import Commands
from pyrometer.client.findings.observation import SEVERITIES, Finding, Observations
from pyrometer.client.findings.wording import mebibytes, seconds

_RULES = (waits.find, loops.find, peers.find, threads.find, resources.find)


class Judgement(NamedTuple):
    """What is wrong, worst first, and what is not."""

    findings: list[Finding]
    all_right: list[str]


def judge(seen: Observations, commands: Commands) -> Judgement:
    """Judge what was observed."""
    found = [finding for rule in _RULES for finding in rule(seen, commands)]
    findings = _once_a_thread(sorted(found, key=_worst_first))
    return Judgement(findings, list(_all_right(seen, found)))


def _worst_first(finding: Finding) -> tuple[int, float]:
    return SEVERITIES.index(finding.severity), -finding.weight


def _once_a_thread(findings: list[Finding]) -> list[Finding]:
    """What is found of one thread is one trouble: the worst finding names it, the others are its evidence."""
    kept: dict[object, Finding] = {}
    for finding in findings:
        key: object = (finding.pid, finding.thread) if finding.thread else object()
        if key in kept:
            worst = kept[key]
            more = tuple(each for each in finding.evidence if each not in worst.evidence)
            kept[key] = replace(worst, evidence=(*worst.evidence, *more))
        else:
            kept[key] = finding
    return list(kept.values())


def _all_right(seen: Observations, found: list[Finding]) -> Iterator[str]:
    processes = [process for process in seen.processes if process.looks]
    if processes and not any(waits.may_be_deadlocked(process) for process in processes):
        yield "no deadlock"
    yield from _loops(seen)
    if not any(finding.what.endswith("throttled") for finding in found):
        shares = [share for process in seen.processes if (share := resources.throttled(process)) is not None]
        yield f"throttled {100 * max(shares):.0f} %" if shares else "no processor quota"
    yield from _memory(seen, found)
    yield from _collector(seen)
    used = [(each.last["descriptors"], each.last["descriptor_limit"]) for each in seen.processes if each.last]
    known = [(count, limit) for count, limit in used if count is not None]
    if known and not any("descriptors" in finding.what for finding in found):
        count, limit = max(known, key=lambda pair: pair[0])
        yield f"{count:,} of {limit:,} descriptors" if limit else f"{count:,} descriptors"


def _loops(seen: Observations) -> Iterator[str]:
    told = [each["event_loops"] for process in seen.processes for each in process.rounds]
    if told and not any(told) and None not in told:
        yield "event loop: none"
    longest = loops.longest(seen)
    if longest is not None and longest < loops.LATE:
        yield f"event loop: late by {seconds(longest)} at most"


def _memory(seen: Observations, found: list[Finding]) -> Iterator[str]:
    slopes = [per_second for process in seen.processes if (per_second := resources.slope(process)) is not None]
    if slopes and not any(finding.what.startswith("the memory of") for finding in found):
        steepest = max(slopes, key=abs)
        yield f"memory {'+' if steepest >= 0 else '−'}{mebibytes(60 * abs(steepest))} a minute"


def _collector(seen: Observations) -> Iterator[str]:
    shares = [resources.collecting_share(process, seen.seconds) for process in seen.processes]
    known = [share for share in shares if share is not None]
    if known:
        yield f"GC {100 * max(known):.1f} %"
        return
    counted = [process.rounds for process in seen.processes if len(process.rounds) > 1]
    full = [
        rounds[-1]["gc"]["collections"][-1] - rounds[0]["gc"]["collections"][-1]
        for rounds in counted
        if rounds[0]["gc"] and rounds[-1]["gc"]
    ]
    if full:
        yield f"GC: {sum(full)} full collections"
