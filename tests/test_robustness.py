"""Every condition changes the sound as its name says, and the reference with it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from notewire.daemon.audio_file import AudioFile
from notewire.models.config import ModelConfig
from notewire.models.network import Network
from notewire.training.recordings import find_recordings
from notewire.training.robustness import CONDITIONS, Condition, alter, evaluate_condition

RATE = 16_000
TONE = (0.5 * np.sin(2 * np.pi * 440 * np.arange(2 * RATE) / RATE)).astype(np.float32)
BY_NAME = {condition.name: condition for condition in CONDITIONS}


def altered(name: str) -> np.ndarray:
    return alter(TONE, RATE, BY_NAME[name])


def test_as_recorded_is_as_recorded() -> None:
    assert np.abs(altered("as recorded") - TONE).max() < 1e-5


@pytest.mark.parametrize("condition", CONDITIONS, ids=lambda condition: condition.name)
def test_the_same_again_each_time(condition: Condition) -> None:
    assert np.array_equal(alter(TONE, RATE, condition), alter(TONE, RATE, condition))
    assert np.isfinite(alter(TONE, RATE, condition)).all()
    assert len(alter(TONE[:0], RATE, condition)) == 0


@pytest.mark.parametrize("decibels", [20, 10])
def test_noise_is_as_far_below_the_music_as_it_says(decibels: int) -> None:
    noise = altered(f"noise, {decibels} dB") - TONE
    assert 20 * np.log10(TONE.std() / noise.std()) == pytest.approx(decibels, abs=0.1)


@pytest.mark.parametrize("pitch", [435, 445])
def test_another_a4_moves_the_pitch_and_the_notes(pitch: int, tmp_path: Path) -> None:
    spectrum = np.abs(np.fft.rfft(altered(f"A4 = {pitch} Hz"), 10 * RATE))
    assert spectrum.argmax() / 10 == pytest.approx(pitch, abs=0.2)
    (recording,) = take(tmp_path)
    notes = BY_NAME[f"A4 = {pitch} Hz"].notes(recording)
    assert notes[0, :2] == pytest.approx([0.5 * 440 / pitch, 1.5 * 440 / pitch])


def test_clipping_halves_the_peak() -> None:
    assert np.abs(altered("clipped by 6 dB")).max() == pytest.approx(0.25, abs=1e-3)


def test_a_recording_is_scored_under_a_condition(
    tmp_path: Path, tiny_network: Network, tiny_config: ModelConfig
) -> None:
    condition = BY_NAME["A4 = 435 Hz"]
    (piece,) = evaluate_condition(
        condition, take(tmp_path), AudioFile, tiny_network, tiny_config, "fast"
    )
    assert piece.seconds == pytest.approx(2.0 * 440 / 435, abs=0.01)
    assert len(piece.reference) == 1


def take(folder: Path) -> list:
    soundfile.write(folder / "take.wav", TONE, RATE)
    (folder / "take.tsv").write_text("0.5\t1.5\t69\t64\n")
    return find_recordings([folder])
