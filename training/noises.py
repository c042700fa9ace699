"""Sounds in which no note is to be heard: hiss and rumble, applause, recorded speech and rooms.

Every function returns mono float32 of the asked size at some level between silence and loud.
"""

from __future__ import annotations

import numpy as np
from numpy import fft
from numpy.typing import NDArray
from scipy.fft import next_fast_len

Audio = NDArray[np.float32]
Random = np.random.Generator
Clip = NDArray[np.int16]

LOUDNESS = 0.05  # RMS, the mean of what is drawn


def no_music(size: int, rate: int, clips: list[Clip], random: Random) -> Audio:
    """One kind, drawn: where there are recorded ``clips``, every second time those."""
    if clips and random.random() < 0.5:
        sound = talk(size, clips, random)
    else:
        sound = (hiss if random.random() < 0.6 else applause)(size, rate, random)
    return sound * np.float32(random.exponential(LOUDNESS) / (sound.std() + 1e-9))


def hiss(size: int, _rate: int, random: Random) -> Audio:
    """Noise that swells, from white to a rumble."""
    spectrum = fft.rfft(random.standard_normal(size, np.float32))
    spectrum /= np.maximum(np.arange(len(spectrum)), 1 + size // 400) ** random.uniform(0, 1.5)
    swell = np.interp(np.arange(size), np.linspace(0, size, 24), random.exponential(1.0, 24))
    return (fft.irfft(spectrum, size) * swell).astype(np.float32)


def applause(size: int, rate: int, random: Random) -> Audio:
    """Claps at random times, each a short burst with a resonance of the hands and of the room.

    From one person clapping to a full hall (the claps of Peltola et al. 2007, much simplified).
    """
    claps = random.poisson(size / rate * 10 ** random.uniform(0.3, 2.5))
    hits = np.zeros(size, np.float32)
    np.add.at(hits, random.integers(0, size, claps), random.exponential(1.0, claps))
    time = np.arange(rate // 20) / rate
    ring = np.cos(2 * np.pi * random.uniform(500, 2000) * time)
    clap = (ring + random.standard_normal(len(time))) * np.exp(-time / random.uniform(0.003, 0.012))
    length = int(next_fast_len(size + len(clap), True) or 0)
    return fft.irfft(fft.rfft(hits, length) * fft.rfft(clap, length), length)[:size].astype("f4")


def talk(size: int, clips: list[Clip], random: Random) -> Audio:
    """Recorded clips one after the other, with pauses, each as loud as the others."""
    sound, at = np.zeros(size, np.float32), 0
    while at < size:
        clip = clips[int(random.integers(len(clips)))].astype(np.float32)
        at = at or -int(random.integers(len(clip)))  # the first is on already
        clip = clip[max(0, -at) : size - at] / (clip.std() + 1e-9)
        sound[max(at, 0) : max(at, 0) + len(clip)] += clip
        at = max(at, 0) + len(clip) + int(random.exponential(3000))
    return sound
