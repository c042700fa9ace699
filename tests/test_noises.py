"""Sounds without notes: the size asked for, at many levels, the same again from the same seed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from notewire.training.noises import applause, hiss, no_music, talk

RATE = 16_000
TONE = (9000 * np.sin(2 * np.pi * 440 * np.arange(4000) / RATE)).astype(np.int16)


@pytest.mark.parametrize("size", [1, 999, RATE])
@pytest.mark.parametrize("seed", range(8))
def test_every_kind_is_finite_and_of_the_size_asked(size: int, seed: int) -> None:
    made = no_music(size, RATE, [TONE], np.random.default_rng(seed))
    assert made.shape == (size,)
    assert made.dtype == np.float32
    assert np.isfinite(made).all()


def test_from_near_silence_to_loud_and_the_same_from_the_same_seed() -> None:
    made = [no_music(RATE, RATE, [TONE], np.random.default_rng(seed)) for seed in range(30)]
    assert max(m.std() for m in made) > 10 * min(m.std() for m in made)
    assert np.array_equal(made[3], no_music(RATE, RATE, [TONE], np.random.default_rng(3)))


def test_applause_comes_in_bursts_and_hiss_does_not() -> None:
    assert _peakedness(applause, 3) > 2 * _peakedness(hiss, 3)


def test_clips_follow_each_other_with_pauses() -> None:
    sound = talk(5 * RATE, [TONE], np.random.default_rng(1))
    spectrum = np.abs(np.fft.rfft(sound))
    assert np.fft.rfftfreq(len(sound), 1 / RATE)[spectrum.argmax()] == pytest.approx(440, abs=2)
    assert 0.02 < (sound == 0).mean() < 0.9


def _peakedness(kind: Callable[..., np.ndarray], seed: int) -> float:
    sound = kind(2 * RATE, RATE, np.random.default_rng(seed))
    return float(np.abs(sound).max() / (sound.std() + 1e-9))
