"""The loop: blocks in, events out, and in the end nothing left sounding."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from ..bridge.fanout import Fanout
from ..bridge.wire import LatencyMessage
from ..bridge.zeromq import ZeroMqPublisher
from ..models.config import Mode
from ..models.transcriber import Transcriber
from ..streaming.contracts import AudioBlock, NoteEvent, NoteOn, NotewireError
from ..streaming.decoding import DecoderConfig
from .afterthoughts import Afterthoughts
from .meters import RECENT, LatencyMeter, Summary, percentiles
from .outputs import Expressive
from .sources import Source
from .views import Status, View

STATUS_SECONDS = 0.05
SUMMARY_SECONDS = 0.25  # percentiles of thousands of hops take their time
LATENCY_SECONDS = 1.0
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
        pulses: Sequence[Callable[[], None]] = (),
        latency: LatencyMeter | None = None,
        afterthoughts: Afterthoughts | None = None,
        expressive: Sequence[Expressive] = (),
    ) -> None:
        self.source, self.transcriber, self.sinks = source, transcriber, sinks
        self.afterthoughts = afterthoughts or Afterthoughts(transcriber, Fanout([]))
        self.view, self.bus, self.pulses, self.expressive = view, bus, pulses, expressive
        self.latency = latency or LatencyMeter()
        self.hops: deque[float] = deque(maxlen=RECENT)  # seconds of compute for each hop
        self.notes = 0
        self.muted = False
        self._seconds = 0.0
        self._glitches = 0
        self._next_status = self._next_summary = self._next_latency = 0.0
        self._standing = self.summary()
        self._heard, self._patience = time.monotonic(), SILENT_SECONDS

    @property
    def position(self) -> int:
        """How far the engine has listened, in samples of the events' clock."""
        return self.transcriber.position

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

    def release(self) -> None:
        """End every note that sounds, and listen on."""
        for event in self.transcriber.release():
            self._say(event)
        self._express()
        self.afterthoughts.say(self.muted)

    def switch(
        self, mode: Mode, decoder: DecoderConfig, later: DecoderConfig | None = None
    ) -> None:
        """Go on in another mode or with another decoder; later: that of the second thoughts."""
        for event in self.transcriber.switch(mode, decoder, later):
            self._say(event)
        self._express()

    def mute(self, on: bool) -> None:
        """Say nothing, or speak again; what sounds ends at the change, and on both sides of it."""
        self.release()
        self.muted = on

    def summary(self) -> Summary:
        return Summary(
            self.notes,
            self._seconds,
            percentiles(self.latency.recent),
            percentiles(self.hops),
            self.transcriber.step / self.transcriber.rate,
            self.source.lost / self.source.rate,
            self.latency.device,
            percentiles(self.latency.waited).median,
            self.source.glitches,
            self.latency.transit(),
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
        elif self.transcriber.holding and time.monotonic() - self._heard > self._patience:
            self.release()  # no audio comes: what sounds now would hang until it does
        before, begun = self.transcriber.hops, time.perf_counter()
        for event in self.transcriber.feed(block):
            self._say(replace(event, emitted=self.transcriber.position), event.emitted)
        self._express()
        self.afterthoughts.say(self.muted)
        if done := self.transcriber.hops - before:
            self.hops.append((time.perf_counter() - begun) / done)

    def _say(self, event: NoteEvent, known: int | None = None) -> None:
        """known: how much of the stream it took to know of it, samples; else as it says itself."""
        if self.muted:
            return
        self.sinks.send(event)
        self.afterthoughts.said(event)
        latency = None
        if isinstance(event, NoteOn):
            self.notes += 1
            known = event.emitted if known is None else known
            rate = self.transcriber.rate
            latency = self.latency.said(event.onset / rate, known / rate)
        self.view.note(event, self._seconds, latency)

    def _express(self) -> None:
        """What does not arrive harms no note; a port makes sure that its pedal comes up."""
        for gesture in self.transcriber.gestures():
            for listener in [] if self.muted else self.expressive:
                with suppress(OSError, NotewireError, ValueError):
                    listener.gesture(gesture)

    def _report(self) -> None:
        now = time.monotonic()
        if now < self._next_status:
            return
        self._next_status = now + STATUS_SECONDS
        for pulse in self.pulses:
            pulse()
        self.sinks.retry()
        self.afterthoughts.takes.retry()
        if self.bus is not None:
            self.bus.tick(self.transcriber.position, self.transcriber.level_db)
        if now >= self._next_summary:
            self._next_summary = now + SUMMARY_SECONDS
            self._standing = self.summary()
        self._tell_latency(now, self._standing)
        self.view.status(Status(self.transcriber.level_db, self._standing))

    def _tell_latency(self, now: float, summary: Summary) -> None:
        """Over the bus, once a second, when there is one."""
        if self.bus is None or now < self._next_latency or not summary.notes:
            return
        self._next_latency = now + LATENCY_SECONDS
        median, p95, look_ahead, engine = (
            round(seconds, 4)
            for seconds in (*summary.latency[:2], summary.look_ahead, summary.engine)
        )
        message = LatencyMessage(median, p95, look_ahead, engine, summary.device, summary.midi)
        self.bus.tell(message)

    def _finish(self) -> list[str]:
        try:
            for event in [] if self.muted else self.transcriber.flush():
                self.sinks.send(event)
            self._express()
            self.afterthoughts.say(self.muted)
        finally:
            failures = self.sinks.close() + self.afterthoughts.takes.close()
            self.source.close()
            self.view.close()
        return failures
