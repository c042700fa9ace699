"""Figures of a run for Prometheus, over HTTP, in the names and units that it recommends."""

from __future__ import annotations

from contextlib import suppress

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

from ..streaming.contracts import NoteEvent, NoteOn, NotewireError
from .views import NoView, Status, View

LATENCY_S = (0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.09, 0.1, 0.12, 0.15, 0.2, 0.3, 0.5, 1.0)


class Metrics:
    """A view that keeps count, and passes everything on to its ``view``.

    address: HOST:PORT; port 0 takes a free one. Raises NotewireError if it cannot be had. The
    engine's thread writes and the server's thread reads single numbers, so neither waits.
    """

    def __init__(self, address: str) -> None:
        self.view: View = NoView()
        self._registry = CollectorRegistry()
        self._notes = Counter("notewire_notes", "Notes said", registry=self._registry)
        self._latency = Histogram(
            "notewire_latency_seconds", "From a note's onset to its being said",
            buckets=LATENCY_S, registry=self._registry,
        )  # fmt: skip
        self._device = self._gauge("input_latency_seconds", "The input's own, if it was calibrated")
        self._look_ahead = self._gauge("look_ahead_seconds", "Listened on before an answer")
        self._midi = self._gauge("midi_transit_seconds", "From being said to the MIDI port")
        self._sounding = self._gauge("sounding_notes", "Notes that sound now")
        self._level = self._gauge("input_level_dbfs", "Level of the input")
        self._load = self._gauge("load_ratio", "Share of real time that the engine computes")
        self._hop = self._gauge("hop_seconds_p99", "Time to compute one hop, 99th percentile")
        self._lost = self._gauge("lost_seconds", "Sound dropped because the engine lagged")
        self._glitches = self._gauge("glitches", "Losses that the audio system reported")
        self._stream = self._gauge("stream_seconds", "Sound that went through the engine")
        self._server, self.address = self._serve(address)

    def note(self, event: NoteEvent, now: float, latency: float | None) -> None:
        if isinstance(event, NoteOn):
            self._notes.inc()
            self._sounding.inc()
        else:
            self._sounding.dec()
        if latency is not None:
            self._latency.observe(latency)
        self.view.note(event, now, latency)

    def status(self, status: Status) -> None:
        self._level.set(status.level_db)
        if summary := status.summary:
            self._load.set(summary.load)
            self._hop.set(summary.hop.p99)
            self._lost.set(summary.lost)
            self._glitches.set(summary.glitches)
            self._stream.set(summary.seconds)
            self._look_ahead.set(summary.look_ahead)
            self._device.set(summary.device or 0.0)
            self._midi.set(summary.midi or 0.0)
        self.view.status(status)

    def close(self) -> None:
        """May be called twice."""
        self._server.shutdown()
        self._server.server_close()
        self.view.close()

    def _gauge(self, name: str, meaning: str) -> Gauge:
        return Gauge(f"notewire_{name}", meaning, registry=self._registry)

    def _serve(self, address: str):
        host, _, port = address.rpartition(":")
        with suppress(ValueError):
            try:
                server, _ = start_http_server(int(port), host, self._registry)
            except (OSError, OverflowError) as error:
                cure = "choose another for metrics.address"
                raise NotewireError(f"no metrics at {address}: {error}; {cure}") from error
            return server, f"http://{host}:{server.server_port}/metrics"
        raise NotewireError(f"metrics.address {address}: write it as 127.0.0.1:9464")
