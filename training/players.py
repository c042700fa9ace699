"""Sampled pianos that play while training goes on: every crop another piece, piano and touch.

Rendering a corpus beforehand (training/render.py) makes some hours, which are heard again and
again; this makes no note twice. What differs from crop to crop is drawn as there: tempo, key and
touch, strings, tuning, dampers, pedal and knocks.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from rich.progress import track

from ..streaming.contracts import LOWEST_PITCH, PITCHES, NotewireError
from .instruments import RATE, Instrument, SampledInstrument, dying
from .midi_notes import midi_files, midi_messages, notes_in
from .pedals import Pedals, pedals_in
from .pianos import LAW, draw_mechanism, draw_strings, in_wood
from .render import Variation, draw_variation, folded, key_ends
from .scores import Notes

KEYS = LOWEST_PITCH, LOWEST_PITCH + PITCHES - 1
BEFORE = 8.0  # s before a crop from which on notes still sound in it
CHORD = 2.0  # peak of loud passages, in which many notes sound; that of one note is about .5
STRINGS = 12  # sets of strings that sound along


class PianoConfig(BaseModel):
    """Samples of a piano, as training/render.py takes them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    samples: Path
    middle_c: int = Field(default=4, description="octave in which C is MIDI 60")
    layers: list[str] | None = Field(default=None, description="softest to loudest")


class PlayersConfig(BaseModel):
    """Who plays what."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    midi: list[Path] = Field(
        min_length=1, description="folders of MIDI files; one named twice is played twice as often"
    )
    pianos: list[PianoConfig] = Field(min_length=1)
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
        played = _excerpt(piece, vary, begin, seconds)
        audio = self._play(played, seconds, random) * _level(piece, vary, random)
        notes = played.sounding.copy()
        notes[:, 1] = key_ends(played.sounding, played.keys, 0.0)
        return audio, notes, played.pedals

    def _play(
        self, piece: Piece, seconds: float, random: np.random.Generator
    ) -> NDArray[np.float32]:
        """(seconds * RATE,) from 0 s on; what sounds then was begun up to ``BEFORE`` earlier."""
        size, notes = round(seconds * RATE), piece.sounding.copy()
        if not len(notes):
            return np.zeros(size, np.float32)
        lead = max(0.0, -float(notes[:, 0].min()))
        notes[:, :2] = np.minimum(notes[:, :2], seconds) + lead
        piano = self.pianos[random.integers(len(self.pianos))]
        works = draw_mechanism(random, self.strings[random.integers(STRINGS)])
        audio = piano.perform(notes, random)
        audio = in_wood(audio, RATE, notes, np.maximum(piece.pedals + lead, 0), works, random)
        heard = audio[round(lead * RATE) :][:size]
        return np.pad(heard, (0, size - len(heard)))


def _excerpt(piece: Piece, vary: Variation, begin: float, seconds: float) -> Piece:
    """What sounds within ``seconds`` from ``begin`` on, in seconds from there."""
    sounding, keys = (vary(notes) - [begin, begin, 0, 0] for notes in (piece.sounding, piece.keys))
    pedals = piece.pedals / vary.tempo - begin
    sounding, keys = (t[(t[:, 0] > -BEFORE) & (t[:, 0] < seconds)] for t in (sounding, keys))
    return Piece(
        folded(sounding[sounding[:, 1] > -dying(sounding[:, 2])], *KEYS),
        keys,
        pedals[(pedals[:, 1] > -BEFORE) & (pedals[:, 0] < seconds)],
    )


def _level(piece: Piece, vary: Variation, random: np.random.Generator) -> np.float32:
    """So that what is loud in the piece, not in the excerpt, comes near a drawn peak."""
    loud = (np.quantile(piece.sounding[:, 3], 0.95) * vary.touch / 127) ** LAW
    return np.float32(random.uniform(0.1, 0.9) / (CHORD * loud))


def open_players(
    config: PlayersConfig, rate: int, learnable: Callable[[str], bool], seed: int
) -> Players:
    """Pianos, and pieces whose titles, the names of their files, are ``learnable``, in memory.

    Raises NotewireError where there is nothing to play, or nothing to play it on.
    """
    if rate != RATE:
        raise NotewireError(f"played: pianos sound at {RATE} Hz, the model listens at {rate} Hz")
    files = [file for folder in config.midi for file in midi_files(folder)]
    pieces = _read([file for file in files if learnable(file.stem)])
    if not pieces:
        raise NotewireError(f"there is no MIDI file with notes in {config.midi}")
    pianos = [
        SampledInstrument(piano.samples, piano.middle_c, piano.layers, varied=True)
        for piano in track(config.pianos, "Loading pianos")
    ]
    return Players(pieces, [*pianos], seed)


def _read(files: list[Path]) -> list[Piece]:
    """Those that have notes, on all cores."""
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as processes:
        read = processes.map(read_piece, files, chunksize=4)
        pieces = list(track(read, "Reading performances", total=len(files)))
    return [piece for piece in pieces if len(piece.sounding)]


def read_piece(path: Path) -> Piece:
    """Raises NotewireError for a file that is no MIDI file."""
    messages = midi_messages(path)
    return Piece(notes_in(messages, sounding=True), notes_in(messages), pedals_in(messages))
