"""The streaming resampler: exact in any split, true to soxr, late by what it says."""

from __future__ import annotations

import numpy as np
import pytest
import soxr
from contract import splits

from notewire.streaming.resample import Resampler, ResamplerState

RATES = [8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000, 192_000]
RANDOM = np.random.default_rng(0)


def streamed(resampler: Resampler, audio: np.ndarray, sizes: list[int]) -> np.ndarray:
    state: ResamplerState | None = None
    parts = []
    for block in np.split(audio, np.cumsum(sizes)[:-1]):
        part, state = resampler(block, state)
        parts.append(part)
    return np.concatenate(parts)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("length", [0, 1, 95, 96, 97, 1500])
def test_any_split_gives_the_same_samples(rate: int, length: int) -> None:
    resampler, audio = Resampler(rate, 16_000), RANDOM.standard_normal(length)
    whole, _ = resampler(audio)
    for sizes in splits(length) if length else [[0], [0, 0]]:
        assert np.array_equal(streamed(resampler, audio, sizes), whole)


@pytest.mark.parametrize("rate", RATES)
def test_agrees_with_soxr(rate: int) -> None:
    time = np.arange(rate) / rate
    audio = np.sin(2 * np.pi * np.outer([60, 440, 1800, 3000], time)).sum(axis=0)
    mine, _ = Resampler(rate, 16_000)(audio)
    golden = soxr.resample(audio, rate, 16_000, quality="VHQ")
    middle = slice(2000, -2000)
    assert np.abs(mine[middle] - golden[: len(mine)][middle]).max() < 2e-3


def test_what_would_alias_is_gone() -> None:
    audio = np.sin(2 * np.pi * 11_000 * np.arange(48_000) / 48_000)
    made, _ = Resampler(48_000, 16_000)(audio)
    assert np.abs(made[500:]).max() < 1e-3


@pytest.mark.parametrize("rate", RATES)
def test_the_delay_is_as_stated(rate: int) -> None:
    """With n input samples in, all output up to n less the delay is out, and no more."""
    resampler = Resampler(rate, 16_000)
    made, _ = resampler(np.zeros(rate))
    assert 0 <= len(made) - (16_000 - resampler.delay) <= 1
    assert resampler.delay <= 32
