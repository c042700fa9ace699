"""The loop: blocks in, events out, and in the end nothing left sounding."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from ..bridge.fanout import Fanout
from ..bridge.zeromq import ZeroMqPublisher
from ..models.transcriber import Transcriber
from ..streaming.contracts import AudioBlock, NoteEvent, NoteOn, NotewireError
from .meters import RECENT, LatencyMeter, Summary, percentiles
from .sources import Source
from .views import Status, View

STATUS_SECONDS = 0.05
SILENT_SECONDS = 0.2  # without a sample: whatever the reason, nothing is left sounding


class Engine:
    """Feeds a source through a transcriber to the sinks, and measures itself on the way."""

    def __init__(
        self,
        source: Source,
        transcriber: Transcriber,
        sinks: Fanout,
        view: View,
        bus: ZeroMqPublisher | None = None,
        pulse: Callable[[], None] = lambda: None,
    ) -> None:
        self.source, self.transcriber, self.sinks = source, transcriber, sinks
        self.view, self.bus, self.pulse = view, bus, pulse
        self.latency = LatencyMeter()
        self.hops: deque[float] = deque(maxlen=RECENT)  # seconds of compute for each hop
        self.notes = 0
        self._seconds = 0.0
        self._glitches = 0
        self._next_status = 0.0
        self._heard, self._patience = time.monotonic(), SILENT_SECONDS

    def run(self) -> Summary:
        """Until the source ends. Whatever happens, every note ends and every sink is closed.

        Raises NotewireError if the source fails, or if a sink could not keep what it was given.
        """
        try:
            if self.bus is not None:
                self.bus.state("running")
            for block in self.source:
                self._take(block)
                self._report()
        finally:
            failures = self._finish()
        if failures:
            raise NotewireError("\n".join(failures))
        return self.summary()

    def summary(self) -> Summary:
        return Summary(
            self.notes,
            self._seconds,
            percentiles(self.latency.recent),
            percentiles(self.hops),
            self.transcriber.hop / self.transcriber.rate,
            self.source.lost / self.source.rate,
            self.source.glitches,
        )

    def _take(self, block: AudioBlock) -> None:
        self._seconds = block.end / self.source.rate
        if self.source.glitches != self._glitches:
            self._glitches = self.source.glitches
            self.latency.restart()  # what was lost would count as delay for ever
        if len(block.samples):
            self._heard = time.monotonic()
            self._patience = max(SILENT_SECONDS, 2 * len(block.samples) / self.source.rate)
            self.latency.arrived(self._seconds)
        elif self.transcriber.sounding and time.monotonic() - self._heard > self._patience:
            self._release()
        before, begun = self.transcriber.hops, time.perf_counter()
        for event in self.transcriber.feed(block):
            self._say(replace(event, emitted=self.transcriber.position))
        if done := self.transcriber.hops - before:
            self.hops.append((time.perf_counter() - begun) / done)

    def _release(self) -> None:
        """No audio comes: a note that sounds now would hang until it does."""
        for event in self.transcriber.release():
            self._say(event)

    def _say(self, event: NoteEvent) -> None:
        self.sinks.send(event)
        latency = None
        if isinstance(event, NoteOn):
            self.notes += 1
            latency = self.latency.said(event.onset / self.transcriber.rate)
        self.view.note(event, self._seconds, latency)

    def _report(self) -> None:
        now = time.monotonic()
        if now < self._next_status:
            return
        self._next_status = now + STATUS_SECONDS
        self.pulse()
        self.sinks.retry()
        if self.bus is not None:
            self.bus.tick(self.transcriber.position, self.transcriber.level_db)
        self.view.status(Status(self.transcriber.level_db, self.summary()))

    def _finish(self) -> list[str]:
        try:
            for event in self.transcriber.flush():
                self.sinks.send(event)
        finally:
            failures = self.sinks.close()
            self.source.close()
            self.view.close()
        return failures
