"""What may be asked of a recording, and what is refused with why."""

from __future__ import annotations

import pytest

from pyrometer.link.errors import LinkError
from pyrometer.server.profiling.model import Mode, Request, Source


@pytest.mark.parametrize("mode", [None, *Mode])
@pytest.mark.parametrize("source", [None, *Source])
def test_each_source_knows_its_modes(source: Source | None, mode: Mode | None) -> None:
    """The agent's sampler can't tell who is at work or has the GIL, and says so."""
    request = Request(source=source, mode=mode)
    if source is Source.AGENT and mode in (Mode.CPU, Mode.GIL):
        with pytest.raises(LinkError, match="knows the mode wall only") as caught:
            request.checked()
        assert caught.value.next == "--mode wall, or --source outside"
    else:
        assert request.checked() is request


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        (Request(native=True), "while the process stands still"),
        (Request(pause=True), "only for native frames"),
        (Request(native=True, pause=True, source=Source.AGENT), "Python's frames only"),
        (Request(seconds=0), "over 0"),
        (Request(rate=1001), "at most 1000"),
    ],
)
def test_what_contradicts_itself_is_refused(request_: Request, why: str) -> None:
    """A process is stopped only where both are asked for, whichever client asks."""
    with pytest.raises(LinkError, match=why):
        request_.checked()
    assert Request(native=True, pause=True).checked()
