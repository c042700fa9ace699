"""Exercises drawn at random: playable, the same for a seed, and all over the keyboard."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from notewire.training.exercises import exercise, write_exercises
from notewire.training.midi_notes import read_midi, write_midi
from notewire.training.pedals import midi_pedals


def test_a_file_holds_what_was_drawn(tmp_path: Path) -> None:
    notes, pedals = exercise(np.random.default_rng(2))
    write_midi(tmp_path / "x.mid", notes, pedals)
    notes[:, 3] = np.floor(notes[:, 3])
    read = read_midi(tmp_path / "x.mid")
    assert read.shape == notes.shape
    read, notes = (each[np.lexsort((each[:, 0], each[:, 2]))] for each in (read, notes))
    np.testing.assert_allclose(read, notes, atol=1e-3)
    np.testing.assert_allclose(midi_pedals(tmp_path / "x.mid"), pedals, atol=1e-3)


def test_a_key_sounds_once_at_a_time_and_all_are_played() -> None:
    random = np.random.default_rng(3)
    drawn = [exercise(random)[0] for _ in range(8)]
    for notes in drawn:
        by_key = notes[np.lexsort((notes[:, 0], notes[:, 2]))]
        same = np.diff(by_key[:, 2]) == 0
        assert (by_key[1:, 0] >= by_key[:-1, 1])[same].all()
        assert (notes[:, 1] > notes[:, 0]).all()
    notes = np.concatenate(drawn)
    assert {*range(21, 109)} == {*notes[:, 2].astype(int)}
    assert np.percentile(notes[:, 3], 5) < 20
    assert np.percentile(notes[:, 3], 95) > 110


def test_a_seed_says_it_all(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        write_exercises(tmp_path / folder, 2, seed=5)
    a, b = (sorted((tmp_path / folder).iterdir()) for folder in ("a", "b"))
    assert len(a) == 2
    assert [file.read_bytes() for file in a] == [file.read_bytes() for file in b]
    assert a[0].read_bytes() != a[1].read_bytes()
