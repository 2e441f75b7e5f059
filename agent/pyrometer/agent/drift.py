"""Drift: whether the file on disk is still what the code that runs was made from.

A file that nobody touched since the process started is; else its text is compared with the code (`writing`). Where that
can't be told, as with code that an import hook has rewritten, nothing is said.
"""

from __future__ import annotations

import posix
import stat
from _frozen_importlib_external import SourceFileLoader

from pyrometer.agent import locations
from pyrometer.agent.codes import file_of
from pyrometer.agent.identity import start_ticks
from pyrometer.agent.loaded import module_file, module_loader, modules
from pyrometer.agent.slices import Slices
from pyrometer.agent.sources import read_lines
from pyrometer.agent.unpatched import native
from pyrometer.agent.writing import can_be_told, is_written_so

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import CodeType

WORDS = "was changed after it was loaded"
"""What to say of a file."""
_MARGIN = 2.0
"""Seconds before the start of the process in which a change counts as one after it: clocks are coarse."""
_CLOCK_BOOTTIME = 7


class Drift:
    """Compares code with its files, each file read once. For one look: drop it then."""

    def __init__(self, seconds: float | None = None) -> None:
        """Begin; `seconds` of processor time at most, after which nothing is said any more."""
        self._slices = Slices(seconds)
        self._since = _start()
        self._texts: dict[str, list[bytes] | None] = {}
        self._known: dict[int, tuple[CodeType, bool]] = {}

    def has_changed(self, code: CodeType) -> bool:
        """Whether a code object's file has another text where the code was; False where that can't be told."""
        known = self._known.get(id(code))
        if known is None:
            known = self._known[id(code)] = (code, self._compare(code))
        return known[1]

    def may_have_changed(self, file: str) -> bool:
        """Whether a file is there that was touched since the process started, and was loaded as it stood."""
        return self._text(file) is not None

    def _compare(self, code: CodeType) -> bool:
        lines = self._text(file_of(code))
        if lines is None or self._slices.over or not can_be_told(code):
            return False
        answer = is_written_so(code, lines)
        self._slices.look()
        return not answer

    def _text(self, file: str) -> list[bytes] | None:
        """Lines of a file to be compared with; None: there is nothing to compare."""
        if file not in self._texts:
            touched = not is_untouched(file, self._since)
            self._texts[file] = read_lines(file) if touched and _is_loaded_as_it_stands(file) else None
        return self._texts[file]


class ShownDrift:
    """Tells of lines that a look would show whether they are those of the code that runs. For one look."""

    def __init__(self, seconds: float) -> None:
        """Begin; `seconds` of processor time for all comparisons."""
        self._drift = Drift(seconds)
        self._codes: dict[str, list[CodeType]] = {}

    def has_changed(self, file: str, line: int) -> bool:
        """Whether the code of a line, or any of a file where nothing runs at that line, was made of another text."""
        if not self._drift.may_have_changed(file):
            return False
        if file not in self._codes:
            self._codes[file] = locations.codes_of_file(file)
        codes = self._codes[file]
        here = [code for code in codes if line in locations.executable_lines(code)]
        return any(self._drift.has_changed(code) for code in here or codes)


def changed(codes: Iterable[CodeType]) -> list[CodeType]:
    """Those of some code objects whose file has another text by now."""
    drift = Drift()
    return [code for code in codes if drift.has_changed(code)]


def is_untouched(file: str, since: float) -> bool:
    """Whether neither a file nor any folder or link on the way to it was touched since (seconds of the epoch).

    It is the time of the inode's change that counts: unlike that of the text, nobody can set it.
    """
    try:
        if posix.stat(file).st_ctime >= since:
            return False
        path = file
        while path:
            status = posix.lstat(path)
            if status.st_ctime >= since and not _is_a_busy_folder(path, status):
                return False
            path = path.rpartition("/")[0]
    except (OSError, ValueError):
        return False
    return True


def _is_a_busy_folder(path: str, status: posix.stat_result) -> bool:
    """Whether it is a folder that anybody may write to, such as /tmp: it changes with what others put there."""
    return stat.S_ISDIR(status.st_mode) and bool(status.st_mode & stat.S_ISVTX) and path.count("/") < 3


def _is_loaded_as_it_stands(file: str) -> bool:
    """Whether no module says that something else than Python's own loader made it of the file."""
    loaders = [module_loader(module) for _, module in modules() if module_file(module) == file]
    return all(loader is None or type(loader) is SourceFileLoader for loader in loaders)


def _start() -> float:
    """When the process started, in seconds of the epoch, or its parent if it is forked of the same program."""
    parent = posix.getppid()
    ticks = [start_ticks()]
    try:
        if posix.readlink("/proc/self/exe") == posix.readlink(f"/proc/{parent}/exe"):
            ticks.append(start_ticks(parent))
        age = native.clock_gettime(_CLOCK_BOOTTIME) - min(ticks) / posix.sysconf("SC_CLK_TCK")
    except (OSError, ValueError):
        return 0.0
    return float(native.time() - age - _MARGIN) if min(ticks) else 0.0
