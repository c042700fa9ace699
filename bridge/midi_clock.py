"""Where a DAW's song stands, from its MIDI clock: 24 messages a beat, start, stop and position.

MIDI 1.0, "System Real Time" and "Song Position Pointer". Under JACK each message has the time of
its period: single ones jitter by some milliseconds, and so a line is drawn through the last beat's.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import numpy as np

CLOCK, START, CONTINUE, STOP, POSITION = b"\xf8", b"\xfa", b"\xfb", b"\xfc", b"\xf2"
CLOCKS = 24  # a beat
SIXTEENTH = 6  # clocks; the unit of a song position
LONGEST_S = 0.25  # between two clocks of one tempo: 10 beats a minute


def is_clock(message: bytes) -> bool:
    """Whether ``SongClock`` would heed it."""
    return message[:1] in (CLOCK, START, CONTINUE, STOP, POSITION)


class Beat(NamedTuple):
    """The song came to a beat, or stopped, at ``when``, seconds of the monotonic clock."""

    when: float
    beat: float  # from the song's beginning, 0 is its first
    bpm: float  # beats a minute; 0: not known yet
    running: bool


class SongClock:
    """``hear`` each message with its time."""

    def __init__(self) -> None:
        self._count = 0  # clocks since the song's beginning
        self._running = False
        self._times: deque[float] = deque(maxlen=CLOCKS + 1)

    def hear(self, when: float, message: bytes) -> Beat | None:
        """What is to be told: each whole beat and each stop. Other messages are ignored."""
        kind = message[:1]
        if kind == CLOCK:
            return self._tick(when)
        if kind == STOP and self._running:
            self._running = False
            return Beat(when, self._count / CLOCKS, self._line(when)[1], running=False)
        if kind in (START, CONTINUE):
            self._count, self._running = 0 if kind == START else self._count, True
        elif kind == POSITION and len(message) == 3:
            self._count = SIXTEENTH * (message[1] + 128 * message[2])
        return None

    def _tick(self, when: float) -> Beat | None:
        if self._times and not 0 <= when - self._times[-1] < LONGEST_S:
            self._times.clear()
        self._times.append(when)
        if not self._running:
            return None
        count, self._count = self._count, self._count + 1
        if count % CLOCKS:
            return None
        due, bpm = self._line(when)
        return Beat(due, count / CLOCKS, bpm, running=True)

    def _line(self, when: float) -> tuple[float, float]:
        """When the newest clock was due, and the tempo."""
        if len(self._times) < 3:
            return when, 0.0
        slope, last = np.polyfit(
            np.arange(1 - len(self._times), 1), np.array(self._times) - when, 1
        )
        return when + float(last), 60 / (CLOCKS * max(float(slope), 1e-4))
