"""The DAW's song beside the stream: its beats go into takes and over the bus."""

from __future__ import annotations

from ..bridge.midi_clock import SongClock
from ..bridge.wire import TempoMessage
from ..bridge.zeromq import ZeroMqPublisher
from ..streaming.tempo import TempoMap
from .meters import LatencyMeter


class Timekeeper:
    """``hear`` each clock message with its time; ``tempo`` is what came of it.

    rate: of the events, Hz.
    """

    def __init__(self, meter: LatencyMeter, rate: int, bus: ZeroMqPublisher | None) -> None:
        self.tempo = TempoMap()
        self._meter, self._rate, self._bus = meter, rate, bus
        self._clock = SongClock()

    def hear(self, when: float, message: bytes) -> None:
        beat = self._clock.hear(when, message)
        if beat is None or (at := self._meter.position(beat.when)) is None:
            return
        if beat.running:
            self.tempo.add(round(at * self._rate), beat.beat)
        if self._bus:
            told = round(beat.bpm, 2), round(beat.beat, 3), beat.running, round(at, 6)
            self._bus.tell(TempoMessage(*told))
