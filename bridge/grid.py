"""What the ticks of a MIDI file mean: plain time, or the beats of the song that was played to."""

from __future__ import annotations

import math
from typing import Protocol

import mido

from ..streaming.tempo import BAR, TempoMap

TICKS_PER_BEAT = 960
TICKS_PER_SECOND = 2 * TICKS_PER_BEAT  # at 120 bpm
TEMPO = 500_000  # microseconds a beat: 120 bpm
UNKNOWN = f"Tempo unknown: ticks are times at 120 bpm, {TICKS_PER_SECOND} ticks a second"
FOLLOWED = "Tempo and bars are those of the MIDI clock"


class Grid(Protocol):
    """Places samples of a stream in a file."""

    def ticks(self, sample: int) -> int: ...

    def track(self) -> mido.MidiTrack:
        """The track that says it."""
        ...


def grid(tempo: TempoMap | None, rate: int, begin: int = 0) -> Grid:
    """rate: of the samples, Hz; begin: the sample at which the file begins."""
    return SongGrid(tempo, rate, begin) if tempo else TimeGrid(rate, begin)


class TimeGrid:
    """Seconds, where no tempo is known."""

    def __init__(self, rate: int, begin: int) -> None:
        self._rate, self._begin = rate, begin

    def ticks(self, sample: int) -> int:
        return round(max(0, sample - self._begin) * TICKS_PER_SECOND / self._rate)

    def track(self) -> mido.MidiTrack:
        return mido.MidiTrack([_tempo(TEMPO), mido.MetaMessage("text", text=UNKNOWN)])


class SongGrid:
    """Beats, in the song's own bars; a take that begins later has its first bar first."""

    def __init__(self, tempo: TempoMap, rate: int, begin: int) -> None:
        self._tempo, self._rate = tempo, rate
        first = tempo.beat(begin) if begin else min(tempo.beat(0), 0.0)
        self._first = BAR * math.floor(first / BAR)

    def ticks(self, sample: int) -> int:
        return max(0, round((self._tempo.beat(sample) - self._first) * TICKS_PER_BEAT))

    def track(self) -> mido.MidiTrack:
        track, last = mido.MidiTrack([mido.MetaMessage("text", text=FOLLOWED)]), 0
        for i in range(1, len(self._tempo.samples)):
            begin = 0 if i == 1 else self.ticks(self._tempo.samples[i - 1])
            beat_s = self._tempo.samples_a_beat(i) / self._rate
            track.append(_tempo(round(1e6 * beat_s), begin - last))
            last = begin
        return track


def _tempo(microseconds: int, after: int = 0) -> mido.MetaMessage:
    """``after``: ticks since the message before."""
    return mido.MetaMessage("set_tempo", tempo=min(microseconds, 0xFFFFFF), time=after)
