"""What the daemon measures of itself: latency of notes, time of hops."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

RECENT = 2000  # notes or hops that a percentile looks at
FORGET = 1e-4  # the clocks of sound card and computer drift apart by at most 100 ppm


class LatencyMeter:
    """How long after its onset a note is said, in seconds of this computer's clock.

    The earliest arrival of a sample fixes when it was captured, so waiting in buffers, look-ahead
    and compute all count. What the device itself needs cannot be seen from here: ``device``, in
    seconds, is what ``notewire calibrate`` measured of it.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, device: float | None = None
    ) -> None:
        self._clock, self.device = clock, device
        self.transit: Callable[[], float | None] = lambda: None  # then, to the MIDI port, seconds
        self._offset = self._since = None
        self.recent: deque[float] = deque(maxlen=RECENT)
        self.waited: deque[float] = deque(maxlen=RECENT)

    def arrived(self, position: float) -> None:
        """The stream stands at ``position`` seconds now."""
        now = self._clock()
        offset = now - position
        if self._offset is None or self._since is None:
            self._offset, self._since = offset, now
        self._offset = min(self._offset + FORGET * (now - self._since), offset)
        self._since = now

    def restart(self) -> None:
        """The stream's own time has jumped: forget when its samples were captured."""
        self._offset = self._since = None

    def sounded(self, position: float) -> float:
        """When, on the clock, what is ``position`` seconds into the stream could be heard."""
        arrived = self._clock() if self._offset is None else position + self._offset
        return arrived - (self.device or 0.0)

    def position(self, moment: float) -> float | None:
        """The reverse of ``sounded``; None while nothing has arrived."""
        if self._offset is None:
            return None
        return moment - self._offset + (self.device or 0.0)

    def said(self, onset: float, known: float) -> float:
        """A note with this onset is said now; its latency, seconds.

        known: how much of the stream it took to know of it; both in seconds of the stream.
        """
        latency = self._clock() - self.sounded(onset)
        self.recent.append(latency)
        self.waited.append(known - onset)
        return latency


class Percentiles(NamedTuple):
    """Of recent values, in the unit of the values; zeros where there were none."""

    median: float
    p95: float
    p99: float


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run came to; times in seconds."""

    notes: int
    seconds: float
    latency: Percentiles
    hop: Percentiles
    hop_seconds: float
    lost: float
    device: float | None = None  # share of the latency that is the input's; None: not measured
    look_ahead: float = 0.0  # share that is listening on after the onset before an answer
    glitches: int = 0  # losses that the audio system reported without saying how much
    midi: float | None = None  # from being said to the MIDI port; None: there is none

    @property
    def load(self) -> float:
        """Share of real time that the engine computes."""
        return self.hop.median / self.hop_seconds

    @property
    def engine(self) -> float:
        """What is left of the median latency: blocks that fill, computing, queues."""
        return max(0.0, self.latency.median - self.look_ahead - (self.device or 0.0))

    def _latency(self) -> str:
        shares = [f"look-ahead {1000 * self.look_ahead:.0f}", f"engine {1000 * self.engine:.0f}"]
        if self.device is not None:
            shares.append(f"input {1000 * self.device:.0f}")
        if self.midi is not None:
            shares.append(f"MIDI +{1000 * self.midi:.1f}")
        median, p95 = 1000 * self.latency.median, 1000 * self.latency.p95
        return f"{median:.0f} ms, p95 {p95:.0f} ms ({', '.join(shares)})"

    def __str__(self) -> str:
        latency, lost = "-", f"lost {self.lost:.2f} s" if self.lost else "nothing lost"
        if self.glitches:
            lost = f"lost {self.lost:.2f} s and {self.glitches} glitches"
        if self.latency.median:
            latency = self._latency()
        return f"{self.notes} notes · latency {latency} · load {self.load:.0%} · {lost}"


def percentiles(values: deque[float]) -> Percentiles:
    if not values:
        return Percentiles(0.0, 0.0, 0.0)
    return Percentiles(*(float(p) for p in np.percentile(list(values), [50, 95, 99])))
