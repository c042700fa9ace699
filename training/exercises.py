"""Exercises drawn at random: keys, chords, speeds and touches that no song book has.

Scales, broken and struck chords, repeated keys and leaps anywhere on the keyboard, from the softest
touch to the loudest, with one hand or two. They are ours to give away, so that a model can learn
from nothing that forbids it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .midi_notes import write_midi
from .pedals import Pedals
from .render import folded
from .scores import Notes

SECONDS = 150.0  # of an exercise, at least
CHORDS = ((0, 4, 7), (0, 3, 7), (0, 4, 7, 10), (0, 3, 6, 9), (0, 7, 12, 16), (0, 5, 10), (0, 1, 6))
SCALES = ((2, 2, 1, 2, 2, 2, 1), (2, 1, 2, 2, 1, 3, 1), (1,), (2,), (2, 2, 3, 2, 3))
LOWEST, HIGHEST = 21, 108
BEAT_S = (0.07, 1.2)  # between strikes
TWO_HANDS = 0.5
PEDALLED = 0.5  # share of the phrases
Random = np.random.Generator


def write_exercises(folder: Path, pieces: int, seed: int) -> None:
    """MIDI files in ``folder``, the same for the same seed."""
    random = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(pieces):
        notes, pedals = exercise(random)
        write_midi(folder / f"exercise-{seed}-{number}.mid", notes, pedals)


def exercise(random: Random, seconds: float = SECONDS) -> tuple[Notes, Pedals]:
    """Notes and pedals of at least ``seconds``, phrase after phrase."""
    notes, pedals, now = list[Notes](), list[Pedals](), 0.0
    while now < seconds:
        hands = 1 + (random.random() < TWO_HANDS)
        played = np.concatenate([_phrase(random) for _ in range(hands)])
        played[:, :2] += now
        notes.append(played)
        end = float(played[:, 1].max())
        if random.random() < PEDALLED:
            pedals.append(_pedalling(random, now, end))
        now = end + random.exponential(0.4)
    played = folded(np.concatenate(notes), LOWEST, HIGHEST)
    return played, np.concatenate([np.zeros((0, 2)), *pedals])


def _phrase(random: Random) -> Notes:
    """(n, 4) from 0 s on: strikes of one key or several, all of one touch and one beat."""
    strikes = FIGURES[random.integers(len(FIGURES))](random, int(random.integers(4, 24)))
    beat = np.exp(random.uniform(*np.log(BEAT_S)))
    held, level, spread = random.uniform(0.25, 1.4), random.uniform(8, 120), random.exponential(8)
    growth, roll = random.normal(0, 1.5), random.exponential(0.008)
    notes = []
    for i, keys in enumerate(strikes):
        for j, key in enumerate(keys):
            onset = max(0.0, beat * i + roll * j + random.normal(0, 0.06 * beat))
            touch = np.clip(level + growth * i + random.normal(0, spread), 4, 127)
            notes.append((onset, onset + beat * held, key, touch))
    return np.array(notes, np.float64)


def _scale(random: Random, length: int) -> list[list[int]]:
    steps = SCALES[random.integers(len(SCALES))]
    up = np.cumsum([0, *(steps[i % len(steps)] for i in range(length - 1))])
    return [[int(key)] for key in _anywhere(random) + random.choice([-1, 1]) * up]


def _broken(random: Random, length: int) -> list[list[int]]:
    chord, root = CHORDS[random.integers(len(CHORDS))], _anywhere(random)
    up = [root + chord[i % len(chord)] + 12 * (i // len(chord)) for i in range(length)]
    return [[key] for key in (up if random.random() < 0.5 else up[::-1])]


def _struck(random: Random, length: int) -> list[list[int]]:
    root, strikes = _anywhere(random), []
    for _ in range(length):
        chord = CHORDS[random.integers(len(CHORDS))]
        strikes.append([root + step - 12 * int(random.random() < 0.3) for step in chord])
        root += int(random.choice([-5, -2, 0, 0, 2, 5, 7]))
    return strikes


def _repeated(random: Random, length: int) -> list[list[int]]:
    """One key, or two in turn: a trill."""
    root, other = _anywhere(random), int(random.choice([0, 0, 1, 2, 12]))
    return [[root + other * (i % 2)] for i in range(length)]


def _leaps(random: Random, length: int) -> list[list[int]]:
    return [[_anywhere(random) for _ in range(random.integers(1, 4))] for _ in range(length)]


FIGURES = (_scale, _broken, _struck, _repeated, _leaps)


def _anywhere(random: Random) -> int:
    return int(random.integers(LOWEST, HIGHEST + 1))


def _pedalling(random: Random, begin: float, end: float) -> Pedals:
    """Down a moment after each change, as pianists do, until the next."""
    every, late = random.uniform(0.5, 3.0), random.uniform(0.05, 0.2)
    changes = np.arange(begin, end, every)
    return np.stack([changes + late, np.append(changes[1:], end + late)], axis=1)
