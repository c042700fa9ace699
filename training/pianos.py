"""No two pianos are alike: what else a sampled one may be, drawn for each piece.

A sampled piano is one instrument, in tune, its strings sounding one by one. Real ones have other
strings, soundboards and hammers, are out of tune here and there, let all strings sound along while
the pedal is down, and knock.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.signal import oaconvolve

from .pedals import Pedals
from .scores import Notes

Audio = NDArray[np.float32]
Random = np.random.Generator
DAMPING = (0.08, 0.6)  # s that dampers take at middle C, light felt to worn
MIDDLE_C = 60
LAW = 1.7  # loudness goes with this power of the velocity
STRINGS = range(28, 90)  # pitches whose strings sound along
PARTIALS = 4
ALONG_S = 2.5  # for which they do
FELT_S = 0.06  # that dampers take to leave them or to fall
KNOCK_S = 0.06


@dataclass(frozen=True)
class Character:
    """How one piano differs from the one that was sampled.

    borrowed: semitones between a key and the string it sounds, so that overtones, decay and the
    soundboard's colour belong to another key; cents: (128,), how far each key is out of tune;
    damping: s, at middle C; law: see ``LAW``; hardness: power of the velocity that chooses a layer.
    """

    damping: float
    borrowed: int = 0
    cents: NDArray[np.float64] = field(default_factory=lambda: np.zeros(128))
    law: float = LAW
    hardness: float = 1.0


def draw_damping(random: Random) -> float:
    return float(np.exp(random.uniform(*np.log(DAMPING))))


def draw_character(random: Random) -> Character:
    """Another piano for each piece."""
    stretch = random.uniform(-0.5, 3.0)  # cents an octave, more towards the ends
    octaves = (np.arange(128) - MIDDLE_C) / 12
    cents = stretch * octaves * np.abs(octaves) / 2 + random.normal(0, random.uniform(0, 4), 128)
    return Character(
        draw_damping(random),
        int(random.integers(-6, 7)),
        cents,
        random.uniform(1.5, 2.0),
        float(np.exp(random.uniform(-0.5, 0.5))),
    )


class Mechanism(NamedTuple):
    """What sounds beside the struck strings, in dB below them (strings) and the peak (knocks).

    strings: what all of them together answer to a click, see ``draw_strings``.
    """

    strings_db: float
    knocks_db: float
    strings: Audio


def draw_mechanism(random: Random, strings: Audio) -> Mechanism:
    return Mechanism(random.uniform(-46, -24), random.uniform(-64, -34), strings)


def in_wood(
    audio: Audio, rate: int, notes: Notes, pedals: Pedals, works: Mechanism, random: Random
) -> Audio:
    """``audio`` of ``notes`` as a whole piano sounds it: other strings sound along, keys knock."""
    return knock(sound_along(audio, rate, pedals, works), rate, notes, works, random)


def sound_along(audio: Audio, rate: int, pedals: Pedals, works: Mechanism) -> Audio:
    """``audio`` and the strings that it sets going while the pedal (down s, up s) is down."""
    if not len(pedals):
        return audio
    lifted = _lifted(len(audio), rate, pedals)
    strings = works.strings * np.float32(10 ** (works.strings_db / 20))
    return audio + oaconvolve(audio * lifted, strings)[: len(audio)] * lifted


def knock(audio: Audio, rate: int, notes: Notes, works: Mechanism, random: Random) -> Audio:
    """``audio`` with the noise of keys and hammers at both ends of each note, none like another."""
    struck, loud = notes[:, 0] - random.uniform(0, 0.03, len(notes)), notes[:, 3] / 127
    times = np.concatenate([struck, notes[:, 1]])
    levels = np.concatenate([loud, np.full(len(notes), 0.2)])
    levels *= random.exponential(1, len(levels))
    hits = np.zeros(len(audio), np.float32)
    places = (times * rate).astype(int).clip(0, len(audio) - 1)
    np.add.at(hits, places, levels)
    knocks = oaconvolve(hits, _thump(rate, random))[: len(audio)]
    return audio + np.abs(audio).max() * np.float32(10 ** (works.knocks_db / 20)) * knocks


def _lifted(size: int, rate: int, pedals: Pedals) -> Audio:
    """(size,) from 0, dampers down, to 1."""
    change = np.zeros(size + 1, np.float32)
    for down, up in (pedals * rate).astype(int).clip(0, size):
        change[down] += 1
        change[up] -= 1
    felt = np.hanning(int(FELT_S * rate)).astype(np.float32)
    return np.clip(oaconvolve(change.cumsum()[:size], felt / felt.sum(), "same"), 0, 1)


def draw_strings(rate: int, random: Random) -> Audio:
    """Impulse response of all strings together, its energy 1 (compare Weinreich 1977)."""
    time = np.arange(int(ALONG_S * rate), dtype=np.float32) / np.float32(rate)
    sound = np.zeros_like(time)
    for pitch in STRINGS:
        for partial in range(1, PARTIALS + 1):
            frequency = partial * 440 * 2 ** ((pitch - 69 + random.normal(0, 0.03)) / 12)
            if frequency < rate / 2.5:
                decay = 3.0 * (frequency / 110) ** -0.6
                phase = random.uniform(0, 2 * np.pi)
                wave = np.sin(np.float32(2 * np.pi * frequency) * time + np.float32(phase))
                loud = np.float32(random.exponential(1 / partial))
                sound += loud * wave * np.exp(time * np.float32(-1 / decay))
    return sound / np.sqrt((sound**2).sum())


def _thump(rate: int, random: Random) -> Audio:
    """A short low noise, its peak 1."""
    time = np.arange(int(KNOCK_S * rate)) / rate
    noise = random.standard_normal(len(time)) * np.exp(-time / random.uniform(0.006, 0.02))
    smooth = np.hanning(int(rate / random.uniform(200, 900)) + 3)
    heard = np.convolve(noise, smooth, "same")
    return (heard / np.abs(heard).max()).astype(np.float32)
