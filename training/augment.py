"""What may be done to a recording so that a network trained on few rooms hears in all of them.

Every function takes mono float32 audio and a numpy Generator and returns audio of the same length.
Levels in dB, times in seconds, frequencies in Hz.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import soxr
from numpy import fft
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from scipy.fft import next_fast_len

Audio = NDArray[np.float32]
Random = np.random.Generator


class AugmentConfig(BaseModel):
    """Ranges and chances of each change; all zero leaves the recording as it is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    detune_cents: float = 40.0  # A4 from 430 to 450 Hz
    detune_chance: float = 0.6
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


def draw_detune(config: AugmentConfig, random: Random) -> float:
    """How much faster the recording is to run; 1.0 leaves it in tune."""
    if random.random() >= config.detune_chance:
        return 1.0
    return float(2 ** (random.uniform(-1, 1) * config.detune_cents / 1200))


def speed(audio: Audio, ratio: float) -> Audio:
    """Play ``ratio`` times as fast, pitch and all; the result is shorter by that ratio."""
    return audio if ratio == 1.0 else soxr.resample(audio, ratio, 1.0, quality="LQ")


def recolour(audio: Audio, rate: int, config: AugmentConfig, random: Random) -> Audio:
    """Another room, microphone and level; silence before ``audio`` is taken as given."""
    audio = _filter(audio, rate, config, random)
    audio = audio * np.float32(10 ** (random.uniform(*config.gain_db) / 20))
    if random.random() < config.noise_chance:
        audio = audio + _noise(audio, rate, config, random)
    if random.random() < config.clip_chance:
        ceiling = np.abs(audio).max() * random.uniform(*config.clip_ceiling) + 1e-9
        audio = np.clip(audio, -ceiling, ceiling)
    return audio.astype(np.float32)


def _filter(audio: Audio, rate: int, config: AugmentConfig, random: Random) -> Audio:
    """Room and equaliser in one pass through the frequency domain."""
    room = _room(rate, config, random) if random.random() < config.room_chance else np.ones(1)
    size = int(next_fast_len(len(audio) + len(room), True) or 0)
    spectrum = fft.rfft(audio, size) * fft.rfft(room.astype(np.float32), size)
    spectrum *= _tone(fft.rfftfreq(size, 1 / rate), config, random)
    return fft.irfft(spectrum, size)[: len(audio)].astype(np.float32)


def _room(rate: int, config: AugmentConfig, random: Random) -> NDArray[np.float64]:
    """An impulse response: the direct sound, then decaying noise, of which bass is left longest."""
    decay, darker = random.uniform(*config.room_decay), random.uniform(0.0, config.room_darker)
    time = np.arange(int(rate * decay)) / rate
    tail = random.standard_normal(len(time)) * (random.random(len(time)) < 0.5)
    tail = _decayed(tail, time, lambda octaves: decay * 2 ** (-darker * octaves))
    tail *= time > random.uniform(0.0005, 0.02)
    wet = 10 ** (random.uniform(*config.room_wet_db) / 20)
    tail *= wet / (np.sqrt((tail**2).sum()) + 1e-9)
    tail[0] = 1.0
    return tail


def _decayed(
    noise: NDArray[np.float64], time: NDArray[np.float64], decay: Callable[[int], float]
) -> NDArray[np.float64]:
    """``noise`` in bands, each of which falls by 60 dB in the seconds of ``decay(its place)``."""
    size = int(next_fast_len(len(noise), True) or 0)
    spectrum, heard = fft.rfft(noise, size), np.zeros(len(noise))
    place = np.log2(np.maximum(fft.rfftfreq(size, time[1]), 1.0) / 1000).round().clip(-3, 3)
    for octaves in range(-3, 4):
        band = fft.irfft(np.where(place == octaves, spectrum, 0), size)[: len(noise)]
        heard += band * 10 ** (-3 * time / decay(octaves))
    return heard


def _tone(
    frequencies: NDArray[np.floating], config: AugmentConfig, random: Random
) -> NDArray[np.float32]:
    """Factors of a smooth equaliser, sometimes with a cheap microphone's missing ends."""
    octave = np.linspace(np.log2(20), np.log2(8000), 41)
    curve = np.zeros(len(octave))
    if random.random() < config.tone_chance:
        curve += np.interp(octave, octave[::5], random.normal(0, config.tone_db / 2, 9))
    if random.random() < config.microphone_chance:
        low, high = np.log2(random.uniform(60, 300)), np.log2(random.uniform(3000, 8000))
        curve -= 12 * np.maximum(low - octave, 0) + 18 * np.maximum(octave - high, 0)
    return np.interp(frequencies, 2**octave, 10 ** (curve / 20)).astype(np.float32)


def _noise(audio: Audio, rate: int, config: AugmentConfig, random: Random) -> Audio:
    """Coloured noise, sometimes with mains hum, at a drawn ratio to the music's level."""
    size = len(audio)
    spectrum = fft.rfft(random.standard_normal(size, np.float32))
    frequencies = fft.rfftfreq(size, 1 / rate).astype(np.float32)
    spectrum /= np.maximum(frequencies, 30) ** np.float32(random.uniform(0, 1))
    noise = fft.irfft(spectrum, size)
    noise /= noise.std() + 1e-9
    if random.random() < config.hum_chance:
        noise = noise + _hum(size, rate, random)
    level = audio.std() * 10 ** (-random.uniform(*config.noise_snr_db) / 20)
    return (noise * level).astype(np.float32)


def beside(audio: Audio, other: Audio, config: AugmentConfig, random: Random) -> Audio:
    """``audio`` with ``other`` beside it, at a drawn ratio of their levels."""
    snr = random.uniform(*config.beside_snr_db)
    level = audio.std() * 10 ** (-snr / 20) / (other.std() + 1e-9)
    return (audio + other * np.float32(level)).astype(np.float32)


def _hum(size: int, rate: int, random: Random) -> NDArray[np.float64]:
    time = np.arange(size) / rate
    mains = random.choice([50.0, 60.0])
    parts = range(1, 6)
    return sum(
        (np.sin(2 * np.pi * mains * k * time) * random.exponential(1 / k) for k in parts),
        start=np.zeros(size),
    )
