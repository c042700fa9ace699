"""How far a sounding note is from its key, in cents: from the peaks of its partials.

A parabola through the three bins around a partial's peak places it between the bins (Smith and
Serra, PARSHL, 1987); the median over the partials keeps out those that belong to other notes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .contracts import LOWEST_PITCH, Bend, NoteEvent, NoteOn
from .vqt_config import VQTConfig

PARTIALS = np.arange(1, 9)
REACH = 2  # bins to each side of where a partial was last: a semitone has three
LIMIT = 250.0  # cents; beyond that it is another note
FASTEST = 60.0  # cents from one frame to the next
SMOOTH = 0.6  # share of the newest reading
WORTH = 2.0  # cents: less is not told

Frame = NDArray[np.floating]


class BendReader:
    """``read(frame, pitch, last)``: cents of one sounding note, None where none can be told."""

    def __init__(self, vqt: VQTConfig) -> None:
        self._bins, self._step = vqt.bins, vqt.bins_per_semitone
        self._partials = 12 * self._step * np.log2(PARTIALS)

    def read(self, frame: Frame, pitch: int, last: float = 0.0) -> float | None:
        """frame: (bins,), log magnitude; last: the note's bend a frame ago, cents."""
        key = (pitch - LOWEST_PITCH) * self._step + self._step // 2
        found = [self._peak(frame, key + partial, last) for partial in self._partials]
        cents = [peak for peak in found if peak is not None]
        if not cents:
            return None
        bend = float(np.median(cents))
        return bend if abs(bend) <= LIMIT and abs(bend - last) <= FASTEST else None

    def _peak(self, frame: Frame, at: float, last: float) -> float | None:
        """Cents from ``at``, in bins, to the highest peak near to where it was last."""
        near = round(at + last * self._step / 100)
        low, high = near - REACH, near + REACH + 1
        if low < 1 or high >= self._bins:
            return None
        best = low + int(np.argmax(frame[low:high]))
        before, peak, after = (float(v) for v in frame[best - 1 : best + 2])
        curve = before - 2 * peak + after
        if not (peak > before and peak >= after and curve < 0):
            return None
        return (best + (before - after) / (2 * curve) - at) * 100 / self._step


@dataclass(slots=True)
class _Voice:
    key: int  # the pitch that is heard, whatever is sent
    read: float = 0.0
    smooth: float = 0.0
    told: float = 0.0


class BendFollower:
    """Told notes and frames in their order, it tells how the notes bend."""

    def __init__(self, vqt: VQTConfig) -> None:
        self._reader = BendReader(vqt)
        self._voices: dict[tuple[int, int], _Voice] = {}  # by id and pitch as sent

    def hear(self, event: NoteEvent, transpose: int) -> None:
        """transpose: semitones between what is heard and what is sent."""
        if isinstance(event, NoteOn):
            self._voices[event.id, event.pitch] = _Voice(event.pitch - transpose)
        else:
            self._voices.pop((event.id, event.pitch), None)

    def follow(self, frame: Frame, at: int, emitted: int) -> list[Bend]:
        """frame: (bins,), the one that ended at sample ``at``."""
        bends = []
        for (number, pitch), voice in self._voices.items():
            if self._moves(voice, frame):
                voice.told = voice.smooth
                bends.append(Bend(number, pitch, round(voice.told, 1), at, emitted))
        return bends

    def _moves(self, voice: _Voice, frame: Frame) -> bool:
        cents = self._reader.read(frame, voice.key, voice.read)
        if cents is None:
            return False
        voice.read = cents
        voice.smooth += SMOOTH * (cents - voice.smooth)
        return abs(voice.smooth - voice.told) >= WORTH
