"""Sampled pianos that play while training goes on: every crop another piece, piano and touch.

Rendering a corpus beforehand (training/render.py) makes some hours, which are heard again and
again; this makes no note twice. What differs from crop to crop is drawn as there: tempo, key and
touch, strings, tuning, dampers, pedal and knocks.
"""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from rich.progress import track

from ..streaming.contracts import LOWEST_PITCH, PITCHES, NotewireError
from .instruments import RATE, Instrument, SampledInstrument
from .midi_notes import midi_messages, notes_in
from .pedals import Pedals, pedals_in
from .pianos import LAW, draw_mechanism, draw_strings, in_wood
from .recordings import held_out
from .render import draw_variation, folded, key_ends
from .scores import Notes

KEYS = LOWEST_PITCH, LOWEST_PITCH + PITCHES - 1
BEFORE = 8.0  # s before a crop from which on notes still sound in it
DYING = 1.0  # s after a note's end in which it still sounds
CHORD = 2.0  # peak of what is played at once, where the loudest note alone has some .5
STRINGS = 24  # sets of strings that sound along


class PianoConfig(BaseModel):
    """Samples of a piano, as training/render.py takes them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    samples: Path
    middle_c: int = Field(default=4, description="octave in which C is MIDI 60")
    layers: list[str] | None = Field(default=None, description="softest to loudest")


class PlayersConfig(BaseModel):
    """Who plays what."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    midi: list[Path] = Field(description="folders of MIDI files; one named twice is played twice")
    pianos: list[PianoConfig]
    share: float = Field(default=0.45, gt=0.0, le=1.0, description="of the crops with music")


class Piece(NamedTuple):
    """A performance: its notes until they fall silent, until their keys rise, and its pedals."""

    sounding: Notes
    keys: Notes
    pedals: Pedals


class Players:
    """``audio, notes, pedals = players(seconds, random)``: times from the audio's first sample."""

    def __init__(self, pieces: list[Piece], pianos: list[Instrument], seed: int) -> None:
        random = np.random.default_rng(seed)
        self.pieces, self.pianos = pieces, pianos
        self.strings = [draw_strings(RATE, random) for _ in range(STRINGS)]
        seconds = np.array([piece.sounding[:, 1].max() for piece in pieces])
        self.chance = seconds / seconds.sum()

    def __call__(
        self, seconds: float, random: np.random.Generator
    ) -> tuple[NDArray[np.float32], Notes, Pedals]:
        piece = self.pieces[random.choice(len(self.pieces), p=self.chance)]
        vary = draw_variation(random)
        end = piece.sounding[:, 1].max() / vary.tempo
        begin = random.uniform(-1.0, max(0.0, end - seconds / 2))
        sounding = folded(_window(vary(piece.sounding), begin, seconds), *KEYS)
        pedals = piece.pedals / vary.tempo - begin
        pedals = pedals[(pedals[:, 1] > -BEFORE) & (pedals[:, 0] < seconds)]
        audio = self._play(sounding, pedals, seconds, random)
        loudest = (np.quantile(piece.sounding[:, 3], 0.95) * vary.touch / 127) ** LAW
        audio *= np.float32(random.uniform(0.1, 0.9) / (CHORD * loudest))
        sounding[:, 1] = key_ends(sounding, vary(piece.keys) - [begin, begin, 0, 0], 0.0)
        return audio, sounding, pedals

    def _play(
        self, notes: Notes, pedals: Pedals, seconds: float, random: np.random.Generator
    ) -> NDArray[np.float32]:
        """(seconds * RATE,) from 0 s on; what sounds then was begun up to ``BEFORE`` earlier."""
        size = round(seconds * RATE)
        if not len(notes):
            return np.zeros(size, np.float32)
        lead = max(0.0, -float(notes[:, 0].min()))
        played = notes + np.array([lead, lead, 0, 0])
        played[:, 1] = np.minimum(played[:, 1], lead + seconds)
        piano = self.pianos[random.integers(len(self.pianos))]
        works = draw_mechanism(random, self.strings[random.integers(STRINGS)])
        audio = piano.perform(played, random)
        audio = in_wood(audio, RATE, played, np.maximum(pedals + lead, 0), works, random)
        heard = audio[round(lead * RATE) :][:size]
        return np.pad(heard, (0, size - len(heard)))


def open_players(config: PlayersConfig, rate: int, held_out_share: float, seed: int) -> Players:
    """Pieces, without titles that are held out, and pianos in memory.

    Raises NotewireError where there is nothing to play.
    """
    if rate != RATE:
        raise NotewireError(f"played: pianos sound at {RATE} Hz, the model listens at {rate} Hz")
    files = [file for folder in config.midi for file in sorted(folder.rglob("*.mid"))]
    files = [file for file in files if not held_out(file.stem, held_out_share)]
    with ProcessPoolExecutor(os.cpu_count()) as processes:
        read = processes.map(read_piece, files, chunksize=4)
        pieces = list(track(read, "Reading performances", total=len(files)))
    pieces = [piece for piece in pieces if len(piece.sounding)]
    if not pieces:
        raise NotewireError(f"there is no MIDI file with notes in {config.midi}")
    pianos = [
        SampledInstrument(piano.samples, piano.middle_c, piano.layers, varied=True)
        for piano in track(config.pianos, "Loading pianos")
    ]
    return Players(pieces, list(pianos), seed)


def read_piece(path: Path) -> Piece:
    """Raises NotewireError for a file that is no MIDI file."""
    messages = midi_messages(path)
    return Piece(notes_in(messages, sounding=True), notes_in(messages), pedals_in(messages))


def _window(notes: Notes, begin: float, seconds: float) -> Notes:
    """What sounds within ``seconds`` from ``begin`` on, in seconds from there."""
    moved = notes - [begin, begin, 0, 0]
    heard = (moved[:, 1] > -DYING) & (moved[:, 0] > -BEFORE) & (moved[:, 0] < seconds)
    return moved[heard]
