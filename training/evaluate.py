"""Recordings streamed through the Transcriber that also runs live, and scored.

Accuracy stands beside its latency: ``emitted - true onset`` of every matched note, and the
compute that one hop takes on top of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from ..models.config import Mode, ModelConfig
from ..models.network import Network
from ..models.transcriber import Transcriber
from ..streaming.contracts import AudioBlock, Gesture, NoteEvent, NoteOn, Pedal
from ..streaming.decoding import DecoderConfig
from .pedals import Pedals
from .recordings import Recording
from .scores import (
    Notes,
    onset_matches,
    score_frames,
    score_offsets,
    score_onsets,
    score_velocities,
)


class Source(Protocol):
    """Audio that can be read once from the start: a rate in Hz and its blocks."""

    rate: int

    def __iter__(self) -> Iterator[AudioBlock]: ...


DIGITS = "0123456789"  # a data set's own counting: two takes are one instrument
OpenSource = Callable[[Path], Source]


@dataclass(frozen=True)
class Piece:
    """One recording's reference and estimate; ``emitted`` is in seconds, one per estimated note."""

    name: str
    reference: Notes
    estimate: Notes
    emitted: NDArray[np.float64]
    seconds: float
    instrument: str = ""
    pedals: Pedals | None = None  # as heard; None: not listened for
    true_pedals: Pedals | None = None  # None: not known

    @property
    def latencies(self) -> NDArray[np.float64]:
        """``emitted - true onset`` in seconds, of the matched notes."""
        pairs = onset_matches(self.reference, self.estimate)
        return np.array([self.emitted[e] - self.reference[r, 0] for r, e in pairs])


@dataclass(frozen=True)
class Scores:
    """Mean over pieces, as the literature reports it; latency in ms, of all matched notes."""

    onset_precision: float
    onset_recall: float
    onset_f1: float
    offset_f1: float
    velocity_f1: float
    frame_precision: float
    frame_recall: float
    frame_f1: float
    frame_accuracy: float
    latency_median: float
    latency_p95: float
    notes: int


def transcribe(
    recording: Recording,
    open_source: OpenSource,
    network: Network,
    config: ModelConfig,
    mode: Mode,
    decoder: DecoderConfig | None = None,
) -> Piece:
    """Stream one recording."""
    source = open_source(recording.audio)
    notes = recording.notes()
    piece = hear(recording.name, source, notes, network, config, mode, decoder)
    instrument = recording.instrument.rstrip(DIGITS)
    return replace(piece, instrument=instrument, true_pedals=recording.pedals())


def hear(
    name: str,
    source: Source,
    notes: Notes,
    network: Network,
    config: ModelConfig,
    mode: Mode,
    decoder: DecoderConfig | None = None,
) -> Piece:
    """Stream ``source``, which plays ``notes``; those beyond the end of the audio are left out."""
    transcriber = Transcriber(network, config, source.rate, mode, decoder, pedal=True)
    events: list[NoteEvent] = []
    end = 0
    for block in source:
        events += transcriber.feed(block)
        end = block.end
    events += transcriber.flush()
    seconds = end / source.rate
    reference, pedals = within(notes, seconds), pedals_of(transcriber.gestures(), transcriber.rate)
    return Piece(name, reference, *notes_of(events, transcriber.rate), seconds, pedals=pedals)


def within(notes: Notes, seconds: float) -> Notes:
    """The notes that begin before the audio ends, none lasting longer than it."""
    kept = notes[notes[:, 0] < seconds].copy()
    kept[:, 1] = np.minimum(kept[:, 1], seconds)
    return kept


def notes_of(events: list[NoteEvent], rate: int) -> tuple[Notes, NDArray[np.float64]]:
    """Notes (n, 4) in seconds and when each was said, ordered by onset."""
    begun: dict[int, NoteOn] = {}
    rows = []
    for event in events:
        if isinstance(event, NoteOn):
            begun[event.id] = event
        else:
            on = begun.pop(event.id)
            times = (on.onset / rate, event.offset / rate)
            rows.append((*times, on.pitch, on.velocity, on.emitted / rate))
    table = np.array(sorted(rows), np.float64).reshape(-1, 5)
    return table[:, :4], table[:, 4]


def pedals_of(gestures: list[Gesture], rate: int) -> Pedals:
    """(n, 2): down s, up s."""
    moves = [gesture.at / rate for gesture in gestures if isinstance(gesture, Pedal)]
    return np.array(moves, np.float64).reshape(-1, 2)


def score(pieces: list[Piece]) -> Scores:
    """Scores of a set of pieces, each piece counting alike."""
    pairs = [(p.reference, p.estimate) for p in pieces]
    onsets = [score_onsets(*pair) for pair in pairs]
    frames = [score_frames(*pair) for pair in pairs]
    latencies = np.concatenate([np.zeros(0), *(piece.latencies for piece in pieces)])
    return Scores(
        onset_precision=_mean([s.precision for s in onsets]),
        onset_recall=_mean([s.recall for s in onsets]),
        onset_f1=_mean([s.f1 for s in onsets]),
        offset_f1=_mean([score_offsets(*pair).f1 for pair in pairs]),
        velocity_f1=_mean([score_velocities(*pair).f1 for pair in pairs]),
        frame_precision=_mean([s.precision for s, _ in frames]),
        frame_recall=_mean([s.recall for s, _ in frames]),
        frame_f1=_mean([s.f1 for s, _ in frames]),
        frame_accuracy=_mean([accuracy for _, accuracy in frames]),
        latency_median=_percentile_ms(latencies, 50),
        latency_p95=_percentile_ms(latencies, 95),
        notes=sum(len(piece.reference) for piece in pieces),
    )


def evaluate(
    recordings: list[Recording],
    open_source: OpenSource,
    network: Network,
    config: ModelConfig,
    mode: Mode,
    decoder: DecoderConfig | None = None,
) -> list[Piece]:
    """Transcribe all recordings in one mode, with a progress bar."""
    return [
        transcribe(recording, open_source, network, config, mode, decoder)
        for recording in track(recordings, f"Streaming, {mode}")
    ]


def _mean(values: list[float]) -> float:
    return float(np.mean(values)) if values else 0.0


def _percentile_ms(seconds: NDArray[np.float64], percent: float) -> float:
    """In milliseconds; NaN where nobody said when."""
    known = seconds[np.isfinite(seconds)]
    return 1000 * float(np.percentile(known, percent)) if len(known) else float("nan")
