"""Scores of one transcription against its reference: pure functions on arrays.

Notes are (n, 4): onset s, offset s, MIDI pitch, velocity. Precision, recall and F1 follow
mir_eval.transcription (onset within 50 ms; offset within 20 % of the length or 50 ms; velocity
within 0.1 after the usual linear fit); frames are compared on a 10 ms grid.
"""

from __future__ import annotations

from dataclasses import dataclass

import mir_eval
import numpy as np
from numpy.typing import NDArray

Notes = NDArray[np.float64]
ONSET_TOLERANCE = 0.05
GRID = 0.01


@dataclass(frozen=True, slots=True)
class Score:
    """Precision, recall and their harmonic mean."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def onset_matches(reference: Notes, estimate: Notes) -> list[tuple[int, int]]:
    """Pairs (reference, estimate) of equal pitch and onset within 50 ms, as many as can be."""
    if not len(reference) or not len(estimate):
        return []
    return mir_eval.transcription.match_notes(
        *_intervals(reference),
        *_intervals(estimate),
        onset_tolerance=ONSET_TOLERANCE,
        offset_ratio=None,  # pyright: ignore[reportArgumentType]
    )


def score_onsets(reference: Notes, estimate: Notes) -> Score:
    hits = len(onset_matches(reference, estimate))
    return _score(hits, len(reference), len(estimate))


def score_offsets(reference: Notes, estimate: Notes) -> Score:
    if not len(reference) or not len(estimate):
        return _score(0, len(reference), len(estimate))
    hits = mir_eval.transcription.match_notes(*_intervals(reference), *_intervals(estimate))
    return _score(len(hits), len(reference), len(estimate))


def score_velocities(reference: Notes, estimate: Notes) -> Score:
    if not len(reference) or not len(estimate):
        return _score(0, len(reference), len(estimate))
    hits = mir_eval.transcription_velocity.match_notes(
        *_intervals(reference),
        reference[:, 3],
        *_intervals(estimate),
        estimate[:, 3],
        offset_ratio=None,  # pyright: ignore[reportArgumentType]
    )
    return _score(len(hits), len(reference), len(estimate))


def score_frames(reference: Notes, estimate: Notes) -> tuple[Score, float]:
    """Frame precision and recall, and accuracy: hits / (hits + misses + false alarms)."""
    seconds = max([0.0, *reference[:, 1], *estimate[:, 1]])
    true, said = piano_roll(reference, seconds), piano_roll(estimate, seconds)
    hits = int((true & said).sum())
    either = int((true | said).sum())
    return _score(hits, int(true.sum()), int(said.sum())), hits / either if either else 0.0


def piano_roll(notes: Notes, seconds: float, grid: float = GRID) -> NDArray[np.bool_]:
    """(128, frames): which pitches sound at the middle of each frame of ``grid`` seconds."""
    roll = np.zeros((128, int(np.ceil(seconds / grid)) + 1), np.bool_)
    for onset, offset, pitch, _ in notes:
        roll[
            int(pitch), round(onset / grid) : max(round(offset / grid), round(onset / grid) + 1)
        ] = 1
    return roll


def _score(hits: int, reference: int, estimate: int) -> Score:
    return Score(hits / estimate if estimate else 0.0, hits / reference if reference else 0.0)


def _intervals(notes: Notes) -> tuple[Notes, Notes]:
    """Intervals of at least a millisecond and pitches in Hz, as mir_eval wants them."""
    ends = np.maximum(notes[:, 1], notes[:, 0] + 0.001)
    return np.column_stack([notes[:, 0], ends]), mir_eval.util.midi_to_hz(notes[:, 2])
