"""The causal transform: streamed equals whole, nothing foreseen, pitches where they belong."""

from __future__ import annotations

import librosa
import numpy as np
import pytest
import torch
from contract import (
    assert_causal,
    assert_state_matters,
    assert_streaming_equals_offline,
    noise,
)

from notewire.streaming.vqt import CausalVQT
from notewire.streaming.vqt_config import VQTConfig

CONFIG = VQTConfig()


@pytest.fixture(scope="module")
def vqt() -> CausalVQT:
    return CausalVQT(CONFIG).double()


def tone(frequency: float, seconds: float = 1.0) -> torch.Tensor:
    time = np.arange(int(CONFIG.rate * seconds)) / CONFIG.rate
    return torch.from_numpy(np.sin(2 * np.pi * frequency * time))[None]


def test_streamed_equals_whole(vqt: CausalVQT) -> None:
    audio = noise(20 * CONFIG.hop, batch=2)
    assert_streaming_equals_offline(vqt, audio, CONFIG.hop)
    assert_state_matters(vqt, audio, CONFIG.hop)


def test_causal(vqt: CausalVQT) -> None:
    assert_causal(vqt, noise(20 * CONFIG.hop), CONFIG.hop)


@pytest.mark.parametrize("pitch", [28, 45, 60, 69, 84, 100])
def test_a_tone_peaks_in_the_middle_bin_of_its_key(vqt: CausalVQT, pitch: int) -> None:
    frames, _ = vqt(tone(float(librosa.midi_to_hz(pitch))))
    assert int(frames[0, -1].argmax()) == 3 * (pitch - 21) + 1


@pytest.mark.parametrize("pitch", [33, 52, 69, 88])
def test_agrees_with_librosa_on_a_stationary_tone(vqt: CausalVQT, pitch: int) -> None:
    audio = tone(float(librosa.midi_to_hz(pitch)), 3.0)
    frames, _ = vqt(audio)
    golden = librosa.vqt(
        audio[0].numpy(),
        sr=CONFIG.rate,
        hop_length=CONFIG.hop,
        fmin=CONFIG.first_frequency,
        n_bins=CONFIG.bins,
        bins_per_octave=36,
        gamma=0,
    )
    centre = golden.shape[1] // 2
    assert int(frames[0, -1].argmax()) == int(np.abs(golden[:, centre]).argmax())


def test_group_delay_is_what_an_onset_shows(vqt: CausalVQT) -> None:
    """A tone that starts reaches half its final magnitude about one group delay later."""
    frequency, begin = vqt.frequencies[3 * 39 + 1], 50
    audio = torch.cat([torch.zeros(1, begin * CONFIG.hop), tone(frequency)], dim=1)
    frames, _ = vqt(audio.double())
    magnitude = torch.expm1(frames[0, :, 3 * 39 + 1])
    half = int((magnitude > magnitude[-1] / 2).nonzero()[0, 0]) + 1 - begin
    assert abs(half * CONFIG.hop / CONFIG.rate - vqt.group_delay[3 * 39 + 1]) < 0.02


def test_the_longest_atom_is_as_configured(vqt: CausalVQT) -> None:
    assert vqt.memory + CONFIG.hop == pytest.approx(CONFIG.longest * CONFIG.rate, rel=0.01)
