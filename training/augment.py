"""What may be done to a recording so that a network trained on few rooms hears in all of them.

The ranges of every change, and what is drawn with a crop: its pitch, and what sounds beside it. The
rest, room and microphone, is done to whole batches (training/recolour.py). Audio is mono float32.
Levels in dB, times in seconds, frequencies in Hz.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import soxr
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

Audio = NDArray[np.float32]
Random = np.random.Generator


class AugmentConfig(BaseModel):
    """Ranges and chances of each change; all zero leaves the recording as it is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    detune_cents: float = 40.0  # A4 from 430 to 450 Hz
    detune_chance: float = 0.6
    transpose: int = 0  # semitones up or down, at most, tempo and all
    transpose_chance: float = 0.0
    gain_db: tuple[float, float] = (-24.0, 6.0)
    tone_db: float = 6.0
    tone_chance: float = 0.7
    microphone_chance: float = 0.2
    room_chance: float = 0.5
    room_decay: tuple[float, float] = (0.15, 1.2)
    room_darker: float = 0.3  # octaves of decay lost an octave above 1 kHz, at most
    room_wet_db: tuple[float, float] = (-24.0, -3.0)
    noise_chance: float = 0.6
    noise_snr_db: tuple[float, float] = (10.0, 60.0)
    hum_chance: float = 0.15
    clip_chance: float = 0.05
    clip_ceiling: tuple[float, float] = (0.3, 0.9)  # of the peak
    nothing_chance: float = 0.06  # crops without music, in which no note is to be heard
    beside_chance: float = 0.1  # such sounds beside the music
    beside_snr_db: tuple[float, float] = (6.0, 40.0)


class Pitch(NamedTuple):
    """What becomes of a recording's pitch: whole semitones, and how much faster it runs in all."""

    semitones: int
    ratio: float


def draw_pitch(config: AugmentConfig, random: Random) -> Pitch:
    """(0, 1.0) leaves it as it is."""
    semitones, cents = 0, 0.0
    if random.random() < config.transpose_chance:
        semitones = int(random.integers(-config.transpose, config.transpose + 1))
    if random.random() < config.detune_chance:
        cents = random.uniform(-1, 1) * config.detune_cents
    return Pitch(semitones, float(2 ** ((semitones + cents / 100) / 12)))


def speed(audio: Audio, ratio: float) -> Audio:
    """Play ``ratio`` times as fast, pitch and all; the result is shorter by that ratio."""
    return audio if ratio == 1.0 else soxr.resample(audio, ratio, 1.0, quality="LQ")


def beside(audio: Audio, other: Audio, config: AugmentConfig, random: Random) -> Audio:
    """``audio`` with ``other`` beside it, at a drawn ratio of their levels."""
    snr = random.uniform(*config.beside_snr_db)
    level = audio.std() * 10 ** (-snr / 20) / (other.std() + 1e-9)
    return (audio + other * np.float32(level)).astype(np.float32)
