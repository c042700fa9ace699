"""Scores on cases small enough to count by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from notewire.streaming.contracts import NotewireError
from notewire.training.breakdown import (
    score_crowd,
    score_instruments,
    score_loudness,
    score_octaves,
)
from notewire.training.evaluate import Piece, score, within
from notewire.training.peers import find_peers, peer_pieces
from notewire.training.plots import plot_against_latency
from notewire.training.scores import (
    score_frames,
    score_offsets,
    score_onsets,
    score_velocities,
)

REFERENCE = np.array([[0.0, 1.0, 60, 40], [1.0, 2.0, 64, 80], [2.0, 3.0, 40, 120]])
NONE = np.zeros((0, 4))


def moved(onset: float = 0.0, offset: float = 0.0) -> np.ndarray:
    return REFERENCE + np.array([onset, offset, 0, 0])


def test_perfect_and_nothing() -> None:
    for judge in (score_onsets, score_offsets, score_velocities):
        assert judge(REFERENCE, REFERENCE).f1 == 1
        assert judge(REFERENCE, NONE).f1 == 0
        assert judge(NONE, REFERENCE).f1 == 0
    assert score_frames(REFERENCE, REFERENCE)[1] == 1
    assert score_frames(NONE, NONE)[1] == 0


def test_onsets_within_50_ms_count() -> None:
    assert score_onsets(REFERENCE, moved(0.049, 0.049)).f1 == 1
    assert score_onsets(REFERENCE, moved(0.051, 0.051)).f1 == 0


def test_offsets_within_a_fifth_of_the_length_count() -> None:
    assert score_offsets(REFERENCE, moved(offset=0.19)).f1 == 1
    assert score_offsets(REFERENCE, moved(offset=0.21)).f1 == 0
    assert score_onsets(REFERENCE, moved(offset=0.21)).f1 == 1


def test_precision_and_recall() -> None:
    extra = np.vstack([REFERENCE[:2], [[5.0, 6.0, 70, 50]], [[5.0, 6.0, 71, 50]]])
    judged = score_onsets(REFERENCE, extra)
    assert (judged.precision, judged.recall) == (2 / 4, 2 / 3)
    assert judged.f1 == pytest.approx(4 / 7)


def test_a_reference_does_not_outlast_the_audio() -> None:
    assert within(REFERENCE, 2.5)[:, 1].tolist() == [1.0, 2.0, 2.5]
    assert len(within(REFERENCE, 1.5)) == 2


def test_frames() -> None:
    half = np.array([[0.0, 0.5, 60, 40]])
    judged, accuracy = score_frames(REFERENCE[:1], half)
    assert (judged.precision, judged.recall, accuracy) == (1, 0.5, 0.5)


def test_latency_is_from_the_true_onset_of_matched_notes() -> None:
    emitted = REFERENCE[:, 0] + np.array([0.05, 0.06, 0.07])
    piece = Piece("x", REFERENCE, moved(0.02, 0.02), emitted, 3.0)
    assert score([piece]).latency_median == pytest.approx(60)
    octaves = score_octaves([piece])
    assert list(octaves) == ["C2", "C4"]
    assert octaves["C2"].latency_median == pytest.approx(70)
    assert octaves["C4"].notes == 2


def test_scores_by_loudness_count_a_note_where_its_truth_is() -> None:
    true = np.array([[0.0, 1.0, 60, 30], [1.0, 2.0, 62, 70], [2.0, 3.0, 64, 110]])
    heard = np.array([[0.0, 1.0, 60, 50], [2.0, 3.0, 64, 90], [2.5, 3.0, 90, 45]])
    scores = score_loudness([Piece("x", true, heard, heard[:, 0], 4.0)])
    assert list(scores) == ["1 to 39", "60 to 79", "100 to 127"]
    assert [s.onset_f1 for s in scores.values()] == [1.0, 0.0, 1.0]
    unknown = true * np.array([1, 1, 1, 0])
    assert score_loudness([Piece("x", unknown, heard, heard[:, 0], 4.0)]) == {}


def test_scores_by_how_much_sounds_at_once() -> None:
    chord = np.array([[1.0, 2.0, pitch, 64] for pitch in (60, 64, 67)])
    true = np.concatenate([[[0.0, 1.0, 50, 64]], chord, [[1.5, 3.0, 72, 64], [2.5, 3.5, 74, 64]]])
    false = np.array([[0.5, 0.6, 90, 64]])  # beside one note
    heard = np.concatenate([true[:1], false, true[2:]])
    scores = score_crowd([Piece("x", true, heard, heard[:, 0], 4.0)])
    assert {name: s.notes for name, s in scores.items()} == {"1": 1, "2 to 3": 4, "4 to 6": 1}
    assert scores["1"].onset_precision == 0.5
    assert scores["2 to 3"].onset_recall == 0.75
    assert scores["4 to 6"].onset_f1 == 1.0


def test_a_peer_stands_in_the_same_table(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    np.savetxt(tmp_path / "other" / "x.tsv", np.column_stack([REFERENCE, REFERENCE[:, 0] + 0.1]))
    piece = Piece("x", REFERENCE, NONE, np.zeros(0), 2.5)
    lacking = Piece("y", REFERENCE, NONE, np.zeros(0), 2.5)
    (peer,) = find_peers(tmp_path)
    (heard,) = peer_pieces(peer, [piece, lacking])
    assert score([heard]).onset_f1 == 1
    assert score([heard]).latency_median == pytest.approx(100)
    with pytest.raises(NotewireError, match="no peers"):
        find_peers(tmp_path / "other")


def test_a_peer_that_does_not_say_when_has_no_latency(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    np.savetxt(tmp_path / "other" / "x.tsv", REFERENCE)
    (heard,) = peer_pieces(tmp_path / "other", [Piece("x", REFERENCE, NONE, np.zeros(0), 3.0)])
    assert np.isnan(score([heard]).latency_median)


def test_a_picture_of_accuracy_over_latency(tmp_path: Path) -> None:
    heard = np.array([[0.0, 1.0, 60, 64]])
    late, offline = (score([Piece("a", heard, heard, np.array([t]), 1.0)]) for t in (0.06, np.nan))
    plot_against_latency({"balanced": late}, {"other": late, "file": offline}, tmp_path / "c.png")
    assert (tmp_path / "c.png").read_bytes().startswith(b"\x89PNG")


def test_scores_by_instrument() -> None:
    heard, nothing = REFERENCE, NONE
    emitted = heard[:, 0]
    pieces = [
        Piece("a", heard, heard, emitted, 5.0, "guitar"),
        Piece("b", heard, heard, emitted, 5.0, "guitar"),
        Piece("c", heard, nothing, emitted[:0], 5.0, "flute"),
    ]
    scores = score_instruments(pieces)
    assert {name: s.onset_f1 for name, s in scores.items()} == {"flute": 0.0, "guitar": 1.0}
    assert scores["guitar"].notes == 2 * len(REFERENCE)
    assert score_instruments(pieces[:2]) == score_instruments(pieces[1:]) == {}
