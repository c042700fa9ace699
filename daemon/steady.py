"""An input that comes back: unplugged, or its server dead, it is opened again when it is there.

The stream keeps its rate and its clock: what comes after an outage has the place at which it
sounded, so that a take stays in time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np
import structlog

from ..streaming.contracts import AudioBlock, NotewireError
from ..streaming.resample import Resampler

FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 2.0  # so that a device is in use again within five seconds of its return
POLL_S = 0.02
ASK_SECONDS = 0.1

log = structlog.get_logger()


class Input(Protocol):
    """What ``LiveInput`` is: an input that opens in the background and may fail at any time."""

    name: str
    rate: int

    @property
    def lost(self) -> int: ...

    @property
    def glitches(self) -> int: ...

    def ready(self, seconds: float = 0.0) -> bool: ...

    def __iter__(self) -> Iterator[AudioBlock]: ...

    def close(self, patience: float = 2.0) -> None: ...


class SteadyInput:
    """Iterate for blocks, through outages, until ``stopped()``; empty ones while there is nothing.

    Raises NotewireError only if the input cannot be opened at the start.
    """

    def __init__(self, open_input: Callable[[], Input], stopped: Callable[[], bool]) -> None:
        self._open, self._stopped = open_input, stopped
        self.on_return: Callable[[], None] = lambda: None  # called when an outage is over
        self._input: Input | None = open_input()
        while not self._input.ready(ASK_SECONDS):  # it raises when it has taken too long
            if stopped():
                self._input.close()
                raise NotewireError("stopped before the input was open")
        self.name, self.rate = self._input.name, self._input.rate
        self._begun = time.monotonic()
        self._end = self._lost = self._glitches = 0
        self.outages = 0

    @property
    def lost(self) -> int:
        """Samples dropped because the engine lagged; outages are not among them."""
        return self._lost + (self._input.lost if self._input else 0)

    @property
    def glitches(self) -> int:
        """Losses reported by the audio system, and outages."""
        return self.outages + self._glitches + (self._input.glitches if self._input else 0)

    def __iter__(self) -> Iterator[AudioBlock]:
        while not self._stopped():
            try:
                yield from self._blocks()
            except NotewireError as error:
                self._leave(str(error))
                yield from self._wait()

    def close(self) -> None:
        if self._input:
            self._input.close()

    def _blocks(self) -> Iterator[AudioBlock]:
        """The input's blocks at the rate and on the clock of the stream."""
        assert self._input
        resample, state = Resampler(self._input.rate, self.rate), None
        origin = shift = self._end
        expected = 0
        for block in self._input:
            if block.start != expected:  # a gap: its length is kept, the filter starts anew
                shift = origin + block.start * self.rate // self._input.rate
                state = None
            expected = block.end
            moved, state = resample(block.samples, state)
            yield AudioBlock(shift, moved)
            shift += len(moved)
            self._end = shift

    def _leave(self, why: str) -> None:
        """The input is gone: let go of it at once, for a dead server holds it for ever."""
        assert self._input
        log.warning("input lost", why=why)
        self._lost += self._input.lost
        self._glitches += self._input.glitches
        self.outages += 1
        self._input.close(patience=0.0)
        self._input = None

    def _wait(self) -> Iterator[AudioBlock]:
        """Empty blocks until the input is there again, which is tried ever less often."""
        pause = FIRST_PAUSE_S
        while self._input is None and not self._stopped():
            yield from self._idle(pause)
            yield from self._try()
            pause = min(2 * pause, LONGEST_PAUSE_S)

    def _try(self) -> Iterator[AudioBlock]:
        found = self._open()
        try:
            while not self._stopped() and not found.ready():
                yield from self._idle(POLL_S)
        except NotewireError:
            return  # not there yet
        self._input = found
        if found.rate:
            self._end = max(self._end, round((time.monotonic() - self._begun) * self.rate))
            log.warning("input is back", name=found.name, rate=found.rate)
            self.on_return()

    def _idle(self, seconds: float) -> Iterator[AudioBlock]:
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self._stopped():
            time.sleep(POLL_S)
            yield AudioBlock(self._end, np.zeros(0, np.float32))
