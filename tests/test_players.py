"""Pianos that play while training goes on: what is heard is what the tables say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from test_render import instrument

from notewire.streaming.contracts import NotewireError
from notewire.training.augment import AugmentConfig
from notewire.training.data import CropConfig, Crops
from notewire.training.instruments import RATE, SampledInstrument
from notewire.training.midi_notes import write_midi
from notewire.training.packing import Packed
from notewire.training.players import (
    PianoConfig,
    Piece,
    Players,
    PlayersConfig,
    open_players,
    read_piece,
)

__all__ = ["instrument"]  # a fixture
KEYS = np.array([[1.0, 1.2, 71, 100.0], [3.0, 3.5, 79, 60.0], [8.0, 8.1, 76, 90.0]])
SOUNDING = KEYS + np.outer([1, 0, 0], [0, 0.8, 0, 0])
PEDALS = np.array([[1.1, 2.0]])
PIECE = Piece(SOUNDING, KEYS, PEDALS)


def random(seed: int = 5) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_a_file_is_read_with_what_the_pedal_holds(tmp_path: Path) -> None:
    write_midi(tmp_path / "piece.mid", KEYS, PEDALS)
    piece = read_piece(tmp_path / "piece.mid")
    for read, given in zip(piece, PIECE, strict=True):
        assert read == pytest.approx(given, abs=0.001)


def test_notes_sound_when_they_are_said_to(instrument: SampledInstrument) -> None:
    players = Players([PIECE], [instrument], seed=1)
    draws, heard = random(), 0
    for _ in range(40):
        audio, notes, pedals = players(2.0, draws)
        assert audio.shape == (2 * RATE,)
        assert audio.dtype == np.float32
        assert (notes[:, 1] > notes[:, 0]).all()
        assert (pedals[:, 1] >= pedals[:, 0]).all()
        for onset in notes[:, 0]:
            if 0.2 < onset < 1.9 and not ((notes[:, 0] < onset) & (notes[:, 1] > onset - 1)).any():
                at = round(onset * RATE)
                before, after = audio[at - 400 : at - 80], audio[at : at + 320]
                assert np.abs(after).max() > 2 * np.abs(before).max()
                heard += 1
    assert heard > 5


def test_a_note_ends_with_its_key_and_sounds_with_the_pedal(instrument: SampledInstrument) -> None:
    players, draws = Players([PIECE], [instrument], seed=1), random()
    for _ in range(60):
        _, notes, pedals = players(2.0, draws)
        for note, (down, up) in ((n, p) for n in notes for p in pedals if n[0] < p[0] < n[0] + 0.2):
            assert note[1] < up
            assert note[1] - note[0] == pytest.approx(2 * (down - note[0]), rel=0.01)


def test_the_same_seed_plays_the_same(instrument: SampledInstrument) -> None:
    once, again = (Players([PIECE], [instrument], seed=1)(2.0, random()) for _ in range(2))
    for one, other in zip(once, again, strict=True):
        assert np.array_equal(one, other)


def test_crops_are_played_as_often_as_asked(instrument: SampledInstrument) -> None:
    silence = Packed(np.zeros(RATE * 9, np.int16), np.zeros((0, 4)))
    crop = CropConfig(rate=RATE, hop=320, hops=200, memory=3680, look_aheads=(256,))
    plain = AugmentConfig(detune_chance=0, nothing_chance=0, beside_chance=0)
    players = Players([PIECE], [instrument], seed=1)
    crops = iter(Crops([silence], crop, plain, 3, players=players, played=0.5))
    drawn = [next(crops) for _ in range(60)]
    played = [audio.any() for audio, _, _ in drawn]
    assert 15 < sum(played) < 45
    for audio, wish, _ in drawn:
        onsets = wish[:, 0, 0].any(1).nonzero().flatten()
        assert audio.any() or not len(onsets)
        assert wish.dtype == torch.float16


def test_held_out_pieces_are_not_played(tmp_path: Path, instrument: SampledInstrument) -> None:
    for name in range(12):
        write_midi(tmp_path / f"piece-{name}.mid", KEYS)
    config = PlayersConfig(midi=[tmp_path], pianos=[])
    assert len(open_players(config, RATE, 0.0, 1).pieces) == 12
    assert 0 < len(open_players(config, RATE, 0.5, 1).pieces) < 12
    with pytest.raises(NotewireError, match="no MIDI file with notes"):
        open_players(config, RATE, 1.0, 1)
    with pytest.raises(NotewireError, match="listens at 22050 Hz"):
        open_players(config, 22_050, 0.0, 1)
    assert PianoConfig(samples=tmp_path).middle_c == 4
