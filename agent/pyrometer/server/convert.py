"""Between the server's values and the API's messages: wire types are born and die here."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from pyrometer.link.errors import LinkError
from pyrometer.server.errors import detail
from pyrometer.server.origins import origin_of
from pyrometer.server.values import named_to_message
from pyrometer.server.wording import text, whole
from pyrometer.v1 import error_pb2, metrics_pb2, process_pb2, stack_pb2, value_pb2

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyrometer.server.checks import Check
    from pyrometer.server.metrics import Allowance, Collector, Loop, ProcessMetrics
    from pyrometer.server.roster import Process
    from pyrometer.server.stacks import Deadlock, Frame, ProcessStacks, ThreadStack, Wait
    from pyrometer.server.tasks import EventLoop, GreenletStack, Tasks, TaskStack


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
    """All threads and tasks of a process."""
    message = stack_pb2.ProcessStacks(
        pid=stacks.pid,
        service=text(stacks.service),
        argv=[text(word) for word in stacks.argv],
        source=stack_pb2.Source.Value(f"SOURCE_{stacks.source}"),
        reason=text(stacks.reason),
        threads=[_thread_to_message(thread, stacks.prefixes) for thread in stacks.threads],
        threads_left_out=whole(stacks.left_out),
        cpu_percent=stacks.cpu_percent,
        locals_reason=text(stacks.locals_reason),
        deadlocks=[_deadlock_to_message(deadlock) for deadlock in stacks.deadlocks],
        changed_files=[text(file) for file in stacks.changed_files],
    )
    if stacks.tasks is not None:
        _add_tasks(message, stacks.tasks, stacks.prefixes)
    return message


def _add_tasks(message: stack_pb2.ProcessStacks, tasks: Tasks, prefixes: tuple[str, ...]) -> None:
    names = tasks.name_of
    message.has_tasks = True
    message.tasks_left_out = whole(tasks.left_out)
    message.event_loops.extend(_loop_to_message(loop) for loop in tasks.loops)
    message.greenlets_not_sought = not tasks.greenlets_sought
    message.greenlets_left_out = whole(tasks.greenlets_left_out)
    message.greenlets.extend(_greenlet_to_message(greenlet, prefixes) for greenlet in tasks.greenlets)
    message.tasks.extend(_task_to_message(task, names, prefixes) for task in tasks.tasks)


def _greenlet_to_message(greenlet: GreenletStack, prefixes: tuple[str, ...]) -> stack_pb2.GreenletStack:
    return stack_pb2.GreenletStack(
        name=text(greenlet.name),
        state=stack_pb2.GreenletState.Value(f"GREENLET_STATE_{greenlet.state or 'UNSPECIFIED'}"),
        frames=[_frame_to_message(frame, prefixes) for frame in greenlet.frames],
        frames_left_out=whole(greenlet.left_out),
    )


def _loop_to_message(loop: EventLoop) -> stack_pb2.EventLoop:
    return stack_pb2.EventLoop(
        id=whole(loop.loop_id, 64), thread=text(loop.thread), type=text(loop.type), tasks=whole(loop.tasks)
    )


def _task_to_message(task: TaskStack, names: Mapping[int, str], prefixes: tuple[str, ...]) -> stack_pb2.TaskStack:
    message = stack_pb2.TaskStack(
        id=whole(task.task_id, 64),
        name=text(task.name),
        loop_id=whole(task.loop_id, 64),
        state=stack_pb2.TaskState.Value(f"TASK_STATE_{task.state or 'UNSPECIFIED'}"),
        cancelling=task.is_cancelling,
        coroutine=text(task.coroutine),
        frames=[_frame_to_message(frame, prefixes) for frame in task.frames],
        frames_left_out=whole(task.left_out),
        awaited_by=[text(names[number]) for number in task.awaited_by],
        awaited_by_ids=[whole(number, 64) for number in task.awaited_by],
        alike=whole(task.alike),
        suspended_seconds=task.suspended_seconds,
    )
    if task.waits_for:
        owner = None if task.holder is None else text(task.holder)
        message.waits_for.CopyFrom(stack_pb2.Wait(kind=text(task.waits_for), owner=owner))
    return message


def _deadlock_to_message(deadlock: Deadlock) -> stack_pb2.Deadlock:
    message = stack_pb2.Deadlock(threads=deadlock.threads)
    message.duration.FromMicroseconds(int(deadlock.seconds * 1e6))
    return message


def _wait_to_message(wait: Wait, prefixes: tuple[str, ...]) -> stack_pb2.Wait:
    return stack_pb2.Wait(
        kind=wait.kind,
        owner=None if wait.owner is None else text(wait.owner),
        name=text(wait.name),
        owner_os_id=whole(wait.owner_id, 64),
        frame=whole(wait.frame),
        timed=wait.timed,
        taken=None if wait.taken is None else _frame_to_message(wait.taken, prefixes),
        taken_name=text(wait.taken_name),
    )


def _thread_to_message(thread: ThreadStack, prefixes: tuple[str, ...]) -> stack_pb2.ThreadStack:
    options: dict[str, Any] = {}
    if thread.waits_for:
        options["waits_for"] = _wait_to_message(thread.waits_for, prefixes)
    return stack_pb2.ThreadStack(
        name=text(thread.name),
        os_id=whole(thread.native_id, 64),
        state=stack_pb2.ThreadState.Value(f"THREAD_STATE_{thread.state or 'UNSPECIFIED'}"),
        cpu_percent=thread.cpu_percent,
        moved=thread.moved,
        holds_gil=thread.holds_gil,
        gil_percent=thread.gil_percent,
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
        locals=_variables(frame),
        has_locals=frame.variables is not None,
    )


def _variables(frame: Frame) -> list[value_pb2.NamedValue]:
    """A frame's variables; what has another shape than agreed is left out."""
    pairs = [each for each in frame.variables or () if isinstance(each, list) and len(each) == 2]
    return [named_to_message(name, value) for name, value in pairs]


def metrics_to_message(metrics: ProcessMetrics, number: int) -> metrics_pb2.ProcessMetrics:
    """A process in the window of one round."""
    message = metrics_pb2.ProcessMetrics(
        process=process_to_message(metrics.process),
        round=number,
        cpu_user_seconds=metrics.times[0] if metrics.times else None,
        cpu_system_seconds=metrics.times[1] if metrics.times else None,
        cpu_delay_percent=metrics.delay_percent,
        peak_rss_bytes=metrics.peak_rss,
        swap_bytes=metrics.swap,
        descriptors=metrics.descriptors,
        descriptor_limit=metrics.descriptor_limit,
        cgroup=_allowance_to_message(metrics.allowance),
        unknown=[metrics_pb2.UnknownMetric(field=name, reason=text(why)) for name, why in metrics.unknown.items()],
    )
    message.time.FromMicroseconds(int(metrics.time * 1e6))
    message.window.FromMicroseconds(int(metrics.window * 1e6))
    if metrics.vitals is not None:
        message.gc.CopyFrom(_collector_to_message(metrics.vitals.collector))
        message.has_event_loops = True
        message.event_loops.extend(_lag_to_message(loop, metrics.prefixes) for loop in metrics.vitals.loops)
        message.probes = whole(metrics.vitals.probes)
    return message


def _collector_to_message(collector: Collector) -> metrics_pb2.GcMetrics:
    return metrics_pb2.GcMetrics(
        enabled=collector.enabled,
        counts=[whole(count) for count in collector.counts],
        collections=[whole(count, 64) for count in collector.collections],
        collected=whole(collector.collected, 64),
        uncollectable=whole(collector.uncollectable, 64),
        pause_seconds=collector.pause,
    )


def _lag_to_message(loop: Loop, prefixes: tuple[str, ...]) -> metrics_pb2.EventLoopMetrics:
    return metrics_pb2.EventLoopMetrics(
        thread=text(loop.thread),
        os_id=whole(loop.native_id, 64),
        lag_seconds=loop.lag,
        busy_share=loop.busy,
        looks=whole(loop.looks),
        frames=[_frame_to_message(frame, prefixes) for frame in loop.frames],
    )


def _allowance_to_message(allowance: Allowance) -> metrics_pb2.CgroupMetrics:
    throttling, memory = allowance.throttling, allowance.memory
    return metrics_pb2.CgroupMetrics(
        quota_cores=throttling.cores if throttling else None,
        periods=throttling.periods if throttling else None,
        throttled_periods=throttling.throttled if throttling else None,
        throttled_seconds=throttling.seconds if throttling else None,
        throttled_share=allowance.throttled_share,
        memory_limit_bytes=memory.limit if memory else None,
        memory_used_bytes=memory.used if memory else None,
        memory_left_bytes=memory.left if memory else None,
        oom_kills=allowance.oom_kills,
    )
