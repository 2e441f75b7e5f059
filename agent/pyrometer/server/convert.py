"""Between the server's values and the API's messages: wire types are born and die here."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from pyrometer.link.errors import LinkError
from pyrometer.server.errors import detail
from pyrometer.server.origins import origin_of
from pyrometer.server.wording import text, whole
from pyrometer.v1 import error_pb2, process_pb2, stack_pb2

if TYPE_CHECKING:
    from pyrometer.server.checks import Check
    from pyrometer.server.roster import Process
    from pyrometer.server.stacks import Frame, ProcessStacks, ThreadStack


def process_to_message(process: Process) -> process_pb2.Process:
    """A process as `ps` shows it."""
    message = process_pb2.Process(
        pid=process.pid,
        service=text(process.service),
        python=text(process.python),
        argv=[text(word) for word in process.argv],
        agent=process_pb2.AgentState.Value(f"AGENT_STATE_{process.agent.upper()}"),
        threads=process.threads,
        rss_bytes=process.rss,
        cpu_percent=process.cpu_percent,
        uid=process.uid,
        parent_pid=process.parent,
    )
    message.start_time.FromMicroseconds(int(process.started * 1e6))
    message.uptime.FromMicroseconds(max(0, int((time.time() - process.started) * 1e6)))
    return message


def check_to_message(check: Check) -> process_pb2.Check:
    """A check of a diagnosis."""
    return process_pb2.Check(
        name=check.name, ok=check.ok, cause=text(check.cause), confirm=text(check.confirm), remedy=text(check.remedy)
    )


def error_to_message(pid: int, error: LinkError) -> error_pb2.ProcessError:
    """Why one process of several could not be served."""
    return error_pb2.ProcessError(pid=pid, error=detail(error))


def stacks_to_message(stacks: ProcessStacks) -> stack_pb2.ProcessStacks:
    """All threads of a process."""
    return stack_pb2.ProcessStacks(
        pid=stacks.pid,
        service=text(stacks.service),
        argv=[text(word) for word in stacks.argv],
        source=stack_pb2.Source.Value(f"SOURCE_{stacks.source}"),
        reason=text(stacks.reason),
        threads=[_thread_to_message(thread, stacks.prefixes) for thread in stacks.threads],
        threads_left_out=whole(stacks.left_out),
        cpu_percent=stacks.cpu_percent,
    )


def _thread_to_message(thread: ThreadStack, prefixes: tuple[str, ...]) -> stack_pb2.ThreadStack:
    options: dict[str, Any] = {}
    if thread.waits_for:
        options["waits_for"] = stack_pb2.Wait(kind=thread.waits_for)
    return stack_pb2.ThreadStack(
        name=text(thread.name),
        os_id=whole(thread.native_id, 64),
        state=stack_pb2.ThreadState.Value(f"THREAD_STATE_{thread.state or 'UNSPECIFIED'}"),
        cpu_percent=thread.cpu_percent,
        moved=thread.moved,
        holds_gil=thread.holds_gil,
        frames=[_frame_to_message(frame, prefixes) for frame in thread.frames],
        frames_left_out=whole(thread.left_out),
        **options,
    )


def _frame_to_message(frame: Frame, prefixes: tuple[str, ...]) -> stack_pb2.Frame:
    return stack_pb2.Frame(
        function=text(frame.function),
        file=text(frame.file),
        line=whole(frame.line),
        source=text(frame.source),
        origin=stack_pb2.FrameOrigin.Value(f"FRAME_ORIGIN_{origin_of(frame.file, prefixes)}"),
        module=text(frame.module),
    )
