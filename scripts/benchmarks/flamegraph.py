"""The flame graph's page: how soon a hundred thousand distinct stacks are on the screen, and how quickly it answers."""

from __future__ import annotations

import html
import json
import random
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.model import Figure, Row, Setting
from benchmarks.rounds import median, quartiles
from pyrometer.client.profile.flamegraph import render
from pyrometer.client.profile.model import Function, Process, Profile, Sample, Thread
from pyrometer.client.profile.paths import Origin

_STACKS = 100_000
_FUNCTIONS = 3000
_DEEPEST = 45
_PROCESSES = 8
_THREADS = 160
_DRIVER = Path(__file__).parent / "programs" / "flamegraph.js"
_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-3d-apis",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1400,900",
]


def measure(setting: Setting) -> Sequence[Figure]:
    """A page of a hundred thousand stacks in headless Chromium, without WebGL."""
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        raise RuntimeError("no Chromium found (Debian: apt-get install chromium)")
    page = _driven(render(_profile()))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "page.html"
        file.write_text(page, encoding="utf-8")
        found = [_opened(browser, file) for _ in range(setting.rounds(9))]
    what = f"flame graph of {_STACKS:,} stacks"
    note = f"{len(page) / 1e6:.0f} MB, {found[0]['nodes']:,.0f} frames"
    return [
        _figure(f"{what}: open", found, "opened", 3000, note),
        _figure(f"{what}: a frame while zooming", found, "zooming", 16.7),
        _figure(f"{what}: under the pointer", found, "hovering", 16.7),
        _figure(f"{what}: search", found, "searching"),
        _figure(f"{what}: invert", found, "inverting"),
        _figure(f"{what}: one process", found, "choosing"),
    ]


def _figure(
    what: str, found: Sequence[dict[str, float]], name: str, bar: float | None = None, note: str = ""
) -> Figure:
    values = [each[name] for each in found]
    return Figure(what, median(values), "ms", bar, quartiles=quartiles(values), note=note)


def _opened(browser: str, file: Path) -> dict[str, float]:
    """What the driver found in one opening of the page."""
    argv = [browser, *_FLAGS, f"--user-data-dir={file.parent}/browser", "--dump-dom", file.as_uri()]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=True)
    title = re.search(r"<title>(.*?)</title>", done.stdout)
    figures: dict[str, float] = json.loads(html.unescape(title[1])) if title else {}
    return figures


def _driven(page: str) -> str:
    """The page with the driver in it, which its policy would not let run."""
    script = f"<script>{_DRIVER.read_text(encoding='utf-8')}</script></body>"
    return re.sub("<meta http-equiv[^>]*>", "", page, count=1).replace("</body>", script)


def _profile() -> Profile:
    """Stacks that begin alike, as those of a service do: each has the first frames of one before it."""
    chance = random.Random(7)  # noqa: S311 - the same each time
    functions = tuple(
        Function(f"Class{n % 90}.method_{n}", f"/srv/shop/package_{n % 40}/module_{n % 300}.py", [*Origin][n % 3])
        for n in range(_FUNCTIONS)
    )
    return Profile(
        kind="cpu",
        unit="nanoseconds",
        functions=functions,
        processes=tuple(Process(4100 + n, "shop", "gunicorn: worker [shop.wsgi]") for n in range(_PROCESSES)),
        threads=tuple(Thread(n % _PROCESSES, f"worker-{n // _PROCESSES}", 5000 + n) for n in range(_THREADS)),
        samples=tuple(
            Sample(
                tuple([(function, function % 500 + 1) for function in reversed(stack)]),
                chance.randrange(_THREADS),
                10_000_000 * (1 + int(chance.paretovariate(1.2)) % 50),
                1,
            )
            for stack in _stacks(chance)
        ),
        began=1_790_000_000.0,
        seconds=600.0,
        notes={"service": "shop", "source": "outside", "rate": "98"},
    )


def _stacks(chance: random.Random) -> Iterator[tuple[int, ...]]:
    made: dict[tuple[int, ...], None] = {}
    known: list[tuple[int, ...]] = [()]
    while len(made) < _STACKS:
        before = chance.choice(known)
        stack = before[: chance.randint(0, len(before))]
        more = max(1, chance.randint(8, _DEEPEST) - len(stack))
        stack += tuple(int(_FUNCTIONS * chance.random() ** 3) for _ in range(more))
        if stack not in made:
            made[stack] = None
            known.append(stack)
            yield stack


ROWS = [Row("flamegraph", measure)]
