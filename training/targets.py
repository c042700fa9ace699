"""Notes to targets: the inverse of streaming/notes.py."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..models.network import OUTPUTS
from ..streaming.contracts import LOWEST_PITCH, PITCHES

ONSET_HOPS = 2  # an onset may be said one hop late without blame


def targets(
    notes: NDArray[np.float64], hops: int, hop: float, look_aheads: list[float]
) -> NDArray[np.float32]:
    """(hops, look-aheads, OUTPUTS, 88) for notes (n, 4): onset s, offset s, pitch, velocity 0..127.

    Row t of look-ahead d tells of the time from t * hop - d to (t + 1) * hop - d, all in seconds.
    """
    late = np.array([[1.0, 1.0, 0.0, 0.0]])
    return np.stack([_targets(notes + d * late, hops, hop) for d in look_aheads], axis=1)


def _targets(notes: NDArray[np.float64], hops: int, hop: float) -> NDArray[np.float32]:
    """(hops, OUTPUTS, 88) without look-ahead.

    Velocity and shift hold where onset is 1 and mean nothing elsewhere. Notes that begin before
    the crop sound in it, without an onset.
    """
    out = np.zeros((hops, len(OUTPUTS), PITCHES), np.float32)
    onset, frame, offset, velocity, shift = out.transpose(1, 0, 2)
    for start, end, pitch, loudness in notes[np.argsort(notes[:, 0], kind="stable")]:
        key = int(pitch) - LOWEST_PITCH
        if not 0 <= key < PITCHES:
            continue
        first = int(np.floor(start / hop))
        last = max(first + 1, round(end / hop))
        frame[max(first, 0) : max(last, 0), key] = 1
        offset[max(last, 0) : max(last + ONSET_HOPS, 0), key] = 1
        for t in range(max(first, 0), min(first + ONSET_HOPS, hops)):
            onset[t, key] = 1
            velocity[t, key] = loudness / 127
            shift[t, key] = start / hop - t
    return out
