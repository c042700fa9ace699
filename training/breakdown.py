"""Scores of a part of the notes: of an octave, of a loudness, of how much sounds at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .evaluate import Piece, Scores, score
from .scores import Notes, onset_matches

Labels = NDArray[np.int64]
Labelled = Callable[
    [Piece], tuple[Labels, Labels]
]  # of the reference's and of the estimate's notes

LOUDNESS = (1, 40, 60, 80, 100)  # velocities at which a group begins
CROWD = (1, 2, 4, 7, 11)  # notes at once, the new one included
TOGETHER_S = 0.05  # notes of one chord


def score_octaves(pieces: list[Piece]) -> dict[str, Scores]:
    """For each octave, C to B, that any reference has."""
    return {f"C{octave - 1}": scores for octave, scores in _scored(pieces, _octaves).items()}


def score_loudness(pieces: list[Piece]) -> dict[str, Scores]:
    """By velocity; a note that was heard counts where its reference does, a false one by its own.

    None where the data set has no velocities.
    """
    if not any(piece.reference[:, 3].any() for piece in pieces):
        return {}
    return {_range(LOUDNESS, k, 127): s for k, s in _scored(pieces, _loudness).items()}


def score_crowd(pieces: list[Piece]) -> dict[str, Scores]:
    """By the number of true notes that sound when a note begins."""
    return {_range(CROWD, k): s for k, s in _scored(pieces, _crowd).items()}


def score_instruments(pieces: list[Piece]) -> dict[str, Scores]:
    """For each instrument; none where every piece has its own, or all have one."""
    names = sorted({piece.instrument for piece in pieces})
    if not 1 < len(names) < len(pieces):
        return {}
    return {name: score([piece for piece in pieces if piece.instrument == name]) for name in names}


def _scored(pieces: list[Piece], labelled: Labelled) -> dict[int, Scores]:
    labels = [labelled(piece) for piece in pieces]
    known = sorted({int(label) for true, _ in labels for label in true})
    return {
        label: score([_part(p, *there, label) for p, there in zip(pieces, labels, strict=True)
                      if label in there[0] or label in there[1]])
        for label in known
    }  # fmt: skip


def _part(piece: Piece, true: Labels, said: Labels, label: int) -> Piece:
    keep, heard = true == label, said == label
    return replace(
        piece,
        reference=piece.reference[keep],
        estimate=piece.estimate[heard],
        emitted=piece.emitted[heard],
    )


def _octaves(piece: Piece) -> tuple[Labels, Labels]:
    return _as_labels(piece.reference[:, 2] // 12), _as_labels(piece.estimate[:, 2] // 12)


def _loudness(piece: Piece) -> tuple[Labels, Labels]:
    true, said = (
        np.maximum(np.searchsorted(LOUDNESS, notes[:, 3], "right") - 1, 0)
        for notes in (piece.reference, piece.estimate)
    )
    for r, e in onset_matches(piece.reference, piece.estimate):
        said[e] = true[r]
    return _as_labels(true), _as_labels(said)


def _crowd(piece: Piece) -> tuple[Labels, Labels]:
    return _crowd_at(piece.reference, piece.reference), _crowd_at(piece.reference, piece.estimate)


def _crowd_at(reference: Notes, notes: Notes) -> Labels:
    """The group of each note: how many of ``reference`` sound just after it began."""
    moment = notes[:, 0] + TOGETHER_S
    begun = np.searchsorted(np.sort(reference[:, 0]), moment)
    ended = np.searchsorted(np.sort(reference[:, 1]), notes[:, 0], "right")
    return _as_labels(np.searchsorted(CROWD, np.maximum(begun - ended, 1), "right") - 1)


def _as_labels(values: NDArray[np.generic]) -> Labels:
    return np.asarray(values, np.int64)


def _range(begins: tuple[int, ...], group: int, last: int | None = None) -> str:
    """ "4 to 6"; the last group is open, or ends with ``last``."""
    begin, after = begins[group], (*begins, 0)[group + 1]
    end = after - 1 if after else last
    if end == begin:
        return str(begin)
    return f"{begin} to {end}" if end else f"{begin} or more"
