"""Beats of a song over the samples of a stream."""

from __future__ import annotations

import math
from bisect import bisect_right

BAR = 4  # beats; where a song begins anew, the take goes on at a bar
PAUSE = 4  # beats; who waited longer than that for the next one had stopped


class TempoMap:
    """Beats at samples; in between, before and after, straight lines.

    Beats never run backwards: a song that jumps, pauses or begins anew goes on at the next bar of
    the take, and until then it goes on as it went.
    """

    def __init__(self) -> None:
        self.samples: list[int] = []
        self.beats: list[float] = []
        self._song = 0.0  # where the song stood at the last beat

    def __bool__(self) -> bool:
        """Whether there is a tempo."""
        return len(self.samples) > 1

    def add(self, sample: int, song: float) -> None:
        """At ``sample`` the song stood at beat ``song``; what comes in no order is ignored."""
        if self.samples and sample <= self.samples[-1]:
            return
        beat = self._next(sample, song)
        self.samples.append(sample)
        self.beats.append(beat)
        self._song = song

    def beat(self, sample: float) -> float:
        """There must be a tempo."""
        i = min(max(bisect_right(self.samples, sample), 1), len(self.samples) - 1)
        return self.beats[i] + (sample - self.samples[i]) / self.samples_a_beat(i)

    def samples_a_beat(self, i: int) -> float:
        """Between entry ``i - 1`` and entry ``i``."""
        return (self.samples[i] - self.samples[i - 1]) / (self.beats[i] - self.beats[i - 1])

    def _next(self, sample: int, song: float) -> float:
        if not self.samples:
            return song
        if song == self._song + 1 and not self._paused(sample):
            return self.beats[-1] + 1
        due = self.beat(sample) if self else self.beats[-1] + 1
        due = max(due, self.beats[-1] + 1e-3)
        return song + BAR * math.ceil((due - song) / BAR)

    def _paused(self, sample: int) -> bool:
        return bool(self) and self.beat(sample) > self.beats[-1] + PAUSE
