"""How quickly the command line is there."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks import processes
from benchmarks.model import Beside, Figure, Row, Setting
from benchmarks.rounds import in_turn, median, quartiles


def measure_help(setting: Setting) -> Sequence[Figure]:
    """`--help`."""
    return [_figure("pyrometer --help", 150, _timed(setting, "--help"))]


def measure_ps(setting: Setting) -> Sequence[Figure]:
    """`ps` with one service, whose agent answers."""
    with processes.program("idle", "usual", "agent"):
        return [_figure("pyrometer ps", 400, _timed(setting, "ps"))]


def _timed(setting: Setting, verb: str) -> dict[str, list[float]]:
    """A verb of ours, in turn with py-spy's help and with a Python that does nothing."""
    return in_turn(
        setting.rounds(15),
        {
            "ours": lambda: processes.timed(processes.PYROMETER, verb),
            "py-spy": lambda: processes.timed(processes.PYSPY, "--help"),
            "python": lambda: processes.timed(processes.beside_python("python"), "-c", "pass"),
        },
    )


def _figure(what: str, bar: float, took: dict[str, list[float]]) -> Figure:
    beside = [Beside("py-spy --help", median(took["py-spy"])), Beside("python -c pass", median(took["python"]))]
    return Figure(what, median(took["ours"]), "ms", bar, quartiles=quartiles(took["ours"]), beside=beside)


ROWS = [Row("help", measure_help), Row("ps", measure_ps)]
