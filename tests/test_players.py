"""Pianos that play while training goes on: what is heard is what the tables say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from test_render import instrument

from notewire.streaming.contracts import NotewireError
from notewire.training.augment import AugmentConfig
from notewire.training.data import CropConfig, Crops
from notewire.training.instruments import RATE, UNDAMPED, SampledInstrument
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
    players, draws, checked = Players([PIECE], [instrument], seed=1), random(), 0
    for _ in range(80):
        audio, notes, pedals = players(2.0, draws)
        for note, (down, up) in ((n, p) for n in notes for p in pedals if n[0] < p[0] < n[0] + 0.2):
            assert note[1] < up
            assert note[1] - note[0] == pytest.approx(2 * (down - note[0]), rel=0.01)
            if note[0] > 0 and up < 1.8 and len(notes) == 1:
                loud = [np.abs(audio[int(s * RATE) :][:800]).max() for s in (up - 0.05, up + 0.13)]
                assert loud[0] > 3 * loud[1]
                checked += 1
    assert checked > 5


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
    played, aligned = [audio.any() for audio, _, _ in drawn], 0
    assert 15 < sum(played) < 45
    for audio, wish, _ in drawn:
        onsets = wish[:, 0, 0].any(1).nonzero().flatten()
        assert audio.any() or not len(onsets)
        assert wish.dtype == torch.float16
        level = audio[3680:].unfold(0, 320, 320).abs().amax(1)
        if len(onsets) and onsets[0] > 25 and level[:10].max() < 0.01 * level.max():
            first = int((level > 0.3 * level[onsets[0] : onsets[0] + 3].max()).nonzero()[0])
            assert 0 <= int(onsets[0]) - first <= 2  # said 16 ms later, by its look-ahead
            aligned += 1
    assert aligned > 5


def test_high_strings_ring_on_after_their_keys(tmp_path: Path) -> None:
    time = np.arange(6 * RATE) / RATE
    string = np.sin(2 * np.pi * 1864.7 * time) * np.exp(-time)
    soundfile.write(tmp_path / "A#6.wav", string, RATE)
    ringing = SampledInstrument(tmp_path, 4)
    high = np.array([[1.0, 1.1, 96, 100.0]])
    players, draws = Players([Piece(high, high, PEDALS[:0])], [ringing], seed=1), random()
    for _ in range(40):
        audio, notes, _ = players(4.0, draws)
        if len(notes) and 0 < notes[0, 0] < 1.5 and notes[0, 2] >= UNDAMPED:
            parts = np.abs(audio[round(notes[0, 1] * RATE) :]).reshape(-1)
            level = np.array([part.max() for part in np.array_split(parts, 20)])
            assert (level[1:] > 0.6 * level[:-1]).all()  # nothing is cut off
            return
    pytest.fail("no excerpt had the note early enough")


def test_what_may_not_be_learned_is_not_played(tmp_path: Path) -> None:
    for name in range(6):
        write_midi(tmp_path / f"piece-{name}.{('mid', 'MIDI')[name % 2]}", KEYS)
    samples = tmp_path / "samples"
    samples.mkdir()
    config = PlayersConfig(midi=[tmp_path], pianos=[PianoConfig(samples=samples)])
    with pytest.raises(NotewireError, match="samples: no samples"):
        open_players(config, RATE, lambda _: True, 1)
    soundfile.write(samples / "soft A4.wav", np.sin(np.arange(RATE) * 0.17), RATE)
    assert len(open_players(config, RATE, lambda title: title != "piece-1", 1).pieces) == 5
    with pytest.raises(NotewireError, match="no MIDI file with notes"):
        open_players(config, RATE, lambda _: False, 1)
    with pytest.raises(NotewireError, match="listens at 22050 Hz"):
        open_players(config, 22_050, lambda _: True, 1)
    loud = PianoConfig(samples=samples, layers=["soft", "loud"])
    with pytest.raises(NotewireError, match="no layer LOUD; it has SOFT"):
        open_players(config.model_copy(update={"pianos": [loud]}), RATE, lambda _: True, 1)
    lost = config.model_copy(update={"midi": [tmp_path / "lost"]})
    with pytest.raises(NotewireError, match="lost: no such folder"):
        open_players(lost, RATE, lambda _: True, 1)
