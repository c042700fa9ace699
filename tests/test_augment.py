"""Augmentation: same length, same again from the same seed, and each change does what it says."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from notewire.training.augment import AugmentConfig, beside, draw_pitch, speed
from notewire.training.recolour import recolour, recoloured
from notewire.training.robustness import UNTOUCHED

TONE = (0.3 * np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000)).astype(np.float32)


def coloured(config: AugmentConfig, seed: int = 1) -> np.ndarray:
    return recoloured(TONE, 16_000, config, seed)


def test_nothing_asked_nothing_done() -> None:
    assert np.abs(coloured(UNTOUCHED) - TONE).max() < 1e-5
    zeros = {name: (0.0, 0.0) if isinstance(value, tuple) else 0 for name, value in UNTOUCHED}
    assert np.abs(coloured(AugmentConfig.model_validate(zeros)) - TONE).max() < 1e-5
    assert draw_pitch(UNTOUCHED, np.random.default_rng(1)) == (0, 1.0)


def test_the_same_seed_gives_the_same_sound() -> None:
    assert np.array_equal(coloured(AugmentConfig(), 7), coloured(AugmentConfig(), 7))
    assert not np.array_equal(coloured(AugmentConfig(), 7), coloured(AugmentConfig(), 8))


def test_every_one_of_a_batch_gets_a_room_of_its_own() -> None:
    batch, random = torch.from_numpy(np.stack([TONE] * 3)), torch.Generator().manual_seed(1)
    rooms = UNTOUCHED.model_copy(update={"room_chance": 1.0})
    one, two, three = recolour(batch, 16_000, rooms, random)
    assert not torch.allclose(one, two, atol=1e-3)
    assert not torch.allclose(two, three, atol=1e-3)


@pytest.mark.parametrize("seed", range(20))
def test_whatever_is_drawn_is_sound_of_the_same_length(seed: int) -> None:
    made = coloured(AugmentConfig(), seed)
    assert made.shape == TONE.shape
    assert made.dtype == np.float32
    assert np.isfinite(made).all()


def test_noise_has_the_level_drawn() -> None:
    noisy = coloured(UNTOUCHED.model_copy(update={"noise_chance": 1.0, "noise_snr_db": (20, 20)}))
    ratio = 20 * np.log10(TONE.std() / (noisy - TONE).std())
    assert ratio == pytest.approx(20, abs=0.1)


def test_a_room_adds_its_tail_after_the_direct_sound() -> None:
    click = np.zeros(16_000, np.float32)
    click[1000] = 1.0
    config = UNTOUCHED.model_copy(update={"room_chance": 1.0, "room_wet_db": (-3, -3)})
    made = recoloured(click, 16_000, config, 1)
    assert np.abs(made[:1000]).max() < 1e-5
    assert made[1000] == pytest.approx(1.0, abs=1e-4)
    assert (made[1001:] ** 2).sum() == pytest.approx(10 ** (-3 / 10), rel=0.05)


def test_speed_moves_the_pitch() -> None:
    faster = speed(TONE, 2 ** (100 / 1200))
    peak = np.abs(np.fft.rfft(faster, 160_000)).argmax() / 10
    assert peak == pytest.approx(440 * 2 ** (1 / 12), abs=1)
    assert speed(TONE, 1.0) is TONE


def test_what_is_beside_has_the_level_drawn() -> None:
    other = np.random.default_rng(2).standard_normal(len(TONE)).astype(np.float32)
    config = UNTOUCHED.model_copy(update={"beside_snr_db": (12, 12)})
    both = beside(TONE, other, config, np.random.default_rng(1))
    assert 20 * np.log10(TONE.std() / (both - TONE).std()) == pytest.approx(12, abs=0.1)
