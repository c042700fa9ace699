"""Pedals as labels: read, carried over from a MIDI file, taught and scored."""

from __future__ import annotations

from pathlib import Path

import mido
import numpy as np
import pytest
import torch
from test_render import instrument, midi
from test_train import config, folder

from notewire.models.checkpoint import load_model
from notewire.models.network import Said
from notewire.streaming.contracts import NotewireError
from notewire.training.evaluate import Piece
from notewire.training.instruments import SampledInstrument
from notewire.training.loss import losses
from notewire.training.midi_notes import read_midi
from notewire.training.pedal_scores import score_pedals
from notewire.training.pedalling import pedals_of, write_pedals
from notewire.training.pedals import pedal_targets, read_pedals
from notewire.training.recordings import find_recordings
from notewire.training.render import render_folder
from notewire.training.train import train

__all__ = ["folder", "instrument"]  # fixtures
RANDOM = np.random.default_rng(2)


def performance(path: Path, beats: int = 60) -> Path:
    """A melody at 120 a minute, detached, the pedal down on every second beat."""
    messages, pitches = [], RANDOM.integers(40, 80, beats)
    for beat, pitch in enumerate(pitches.tolist()):
        value, rest = 127 * (beat % 2), 240 if beat else 0
        messages.append(mido.Message("control_change", control=64, value=value, time=rest))
        messages.append(mido.Message("note_on", note=pitch, velocity=70))
        messages.append(mido.Message("note_off", note=pitch, time=240))
    return midi(path, *messages)


def table(labels: Path) -> np.ndarray:
    pedals = read_pedals(labels)
    assert pedals is not None
    return pedals


def test_a_table_beside_the_notes_is_read(tmp_path: Path) -> None:
    labels = tmp_path / "x.tsv"
    assert read_pedals(labels) is None
    labels.with_suffix(".pedal").write_text("")
    assert table(labels).shape == (0, 2)
    labels.with_suffix(".pedal").write_text("0.5\t1.0\n2.0\t3.5\n")
    assert np.array_equal(table(labels), [[0.5, 1.0], [2.0, 3.5]])
    labels.with_suffix(".pedal").write_text("down up")
    with pytest.raises(NotewireError, match=r"x\.pedal"):
        read_pedals(labels)


def test_targets_say_down_up_and_unknown() -> None:
    wish = pedal_targets(np.array([[0.1, 0.2], [0.3, 0.36]]), 5, 0.1, [0.0, 0.1])
    assert wish.T.tolist() == [[0, 1, 0, 1, 0], [0, 0, 1, 0, 1]]
    assert np.isnan(pedal_targets(None, 5, 0.1, [0.0])).all()


def test_what_nobody_knows_teaches_nothing() -> None:
    notes, unknown = torch.zeros(1, 4, 1, 5, 88), torch.full((1, 4, 1), torch.nan)
    said = Said(notes, torch.ones(1, 4, 1))
    assert losses(said, Said(notes, unknown), 0)["pedal"] == 0
    assert losses(said, Said(notes, torch.zeros(1, 4, 1)), 0)["pedal"] > 1


def test_pedals_follow_the_notes_through_another_tempo(tmp_path: Path) -> None:
    """The recording begins later and takes its time in the middle."""
    played = performance(tmp_path / "piece.mid")
    notes = read_midi(played)
    slow = np.interp(notes[:, :2], [0, 10, 15, 40], [0.7, 10.7, 17.7, 42.7])
    heard = np.column_stack([slow, notes[:, 2:]])
    pedals = pedals_of(heard, played)
    assert pedals is not None
    onsets = heard[1::2, 0]
    assert pedals[:, 0] == pytest.approx(onsets, abs=0.02)
    assert pedals_of(heard[:, [0, 1, 2, 3]] + [0, 0, 5, 0], played) is None  # other notes


def test_only_recordings_of_the_piece_get_its_pedals(tmp_path: Path) -> None:
    (tmp_path / "midi").mkdir()
    notes = read_midi(performance(tmp_path / "midi" / "Piece.mid"))
    notes[:, :2] += 0.5
    for name in ("piece_grand", "other_grand"):
        (tmp_path / f"{name}.wav").touch()
        np.savetxt(tmp_path / f"{name}.tsv", notes)
    recordings = find_recordings([tmp_path])
    assert write_pedals(tmp_path / "midi", recordings) == 1
    assert {r.title: r.pedals() is not None for r in recordings} == {"piece": True, "other": False}
    assert write_pedals(tmp_path / "midi", recordings) == 0


def test_scores_count_only_where_the_pedal_is_known() -> None:
    none, notes = np.zeros((0, 4)), np.zeros(0)
    true = np.array([[1.0, 2.0], [3.0, 4.0], [9.0, 12.0]])
    right = Piece("a", none, none, notes, 8.0, pedals=true[:2] + 0.02, true_pedals=true)
    half = Piece("b", none, none, notes, 8.0, pedals=true[:1] + 0.2, true_pedals=true[:1])
    unknown = Piece("c", none, none, notes, 8.0, pedals=true)
    scores = score_pedals([right, half, unknown])
    assert scores
    assert scores.recordings == 2
    assert scores.frame_f1 == pytest.approx((0.98 + 0.8) / 2, abs=0.01)
    assert scores.press_f1 == scores.press_release_f1 == 0.5
    assert score_pedals([unknown]) is None


def test_the_pedal_alone_may_learn(folder: Path) -> None:
    first = train(config(folder, 2))
    before = load_model(first)[0].state_dict()
    sizes = config(folder, 2).model.network.model_copy(update={"pedal": 4})
    model = config(folder, 2).model.model_copy(update={"network": sizes})
    changes = {"start_from": first, "output": folder / "more", "learn": "pedal", "model": model}
    with pytest.raises(NotewireError, match="no labelled recordings"):
        train(config(folder, 2).model_copy(update=changes))
    for recording in find_recordings([folder]):
        recording.labels.with_suffix(".pedal").write_text("0.2 0.6\n")
    tuned = config(folder, 2, held_out=0.5).model_copy(update=changes)
    after = load_model(train(tuned))[0].state_dict()
    assert all(torch.equal(after[name], weight) for name, weight in before.items())
    assert any(name.startswith("pedal.") for name in after)
    without = {"learn": "pedal", "output": folder / "none"}
    with pytest.raises(NotewireError, match="number of its units"):
        train(config(folder, 2).model_copy(update=without))


def test_a_rendered_piano_tells_keys_and_pedal_apart(
    tmp_path: Path,
    instrument: SampledInstrument,
) -> None:
    performance(tmp_path / "piece.mid", 4)
    for piano in (True, False):
        out = tmp_path / f"{piano}"
        render_folder([tmp_path / "piece.mid"], instrument, out, 0.0005, 3, piano=piano)
    held, rung = (find_recordings([tmp_path / name])[0] for name in ("True", "False"))
    lengths = [np.ptp(each.notes()[:, :2], axis=1) for each in (held, rung)]
    assert (lengths[0] < lengths[1] - 0.1).any()
    assert np.array_equal(held.notes()[:, 0], rung.notes()[:, 0])
    pedals = held.pedals()
    assert pedals is not None
    assert pedals[0] == pytest.approx(held.notes()[1:3, 0], abs=0.01)
    assert table(rung.labels).shape == (0, 2)
