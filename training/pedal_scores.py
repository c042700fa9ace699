"""How well the sustain pedal is heard: each pedal scored as a note of one pitch.

As Kong et al. (2021) score it: frames, presses within 50 ms, and presses whose release is right as
well (within a fifth of their length or 50 ms).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .evaluate import Piece
from .pedals import as_notes
from .scores import Notes, score_frames, score_offsets, score_onsets


@dataclass(frozen=True)
class PedalScores:
    """Mean over the recordings whose pedal is known."""

    recordings: int
    frame_precision: float
    frame_recall: float
    frame_f1: float
    press_f1: float
    press_release_f1: float


def score_pedals(pieces: list[Piece]) -> PedalScores | None:
    """None where nobody knows the pedal, or nobody used one."""
    pairs = [pair for piece in pieces if (pair := _pair(piece))]
    if not pairs:
        return None
    frames = [score_frames(*pair)[0] for pair in pairs]
    rows = [
        (f.precision, f.recall, f.f1, score_onsets(*pair).f1, score_offsets(*pair).f1)
        for f, pair in zip(frames, pairs, strict=True)
    ]
    return PedalScores(len(pairs), *(float(mean) for mean in np.mean(rows, axis=0)))


def _pair(piece: Piece) -> tuple[Notes, Notes] | None:
    if piece.pedals is None or piece.true_pedals is None or not len(piece.true_pedals):
        return None
    true = piece.true_pedals[piece.true_pedals[:, 0] < piece.seconds]
    return as_notes(np.minimum(true, piece.seconds)), as_notes(piece.pedals)
