"""Other pianos made of one: what changes, and that the notes stay where they are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from test_render import instrument

from notewire.training.instruments import RATE, SampledInstrument
from notewire.training.pianos import (
    Character,
    Mechanism,
    draw_character,
    draw_strings,
    knock,
    sound_along,
)
from notewire.training.render import render

__all__ = ["instrument"]  # a fixture
NOTE = np.array([0.0, 1.0, 74, 90.0])
AS_SAMPLED = Character(damping=0.1)


def peak_hz(audio: np.ndarray) -> float:
    return np.abs(np.fft.rfft(audio, 1_600_000)).argmax() / 100


def random() -> np.random.Generator:
    return np.random.default_rng(7)


def test_a_key_may_be_out_of_tune(instrument: SampledInstrument) -> None:
    sharp = replace(AS_SAMPLED, cents=np.full(128, 10.0))
    in_tune, tuned_up = (peak_hz(instrument.play(NOTE, ways)) for ways in (AS_SAMPLED, sharp))
    assert in_tune == pytest.approx(587.3, rel=0.002)
    assert 1200 * np.log2(tuned_up / in_tune) == pytest.approx(10, abs=1)


def test_a_borrowed_string_sounds_the_same_pitch(instrument: SampledInstrument) -> None:
    borrowed = instrument.play(NOTE, replace(AS_SAMPLED, borrowed=6))
    own = instrument.play(NOTE, AS_SAMPLED)
    assert peak_hz(borrowed) == pytest.approx(peak_hz(own), rel=0.001)
    left = [np.abs(s[8000:8800]).max() / np.abs(s[:800]).max() for s in (own, borrowed)]
    assert left[1] > 1.5 * left[0]  # that of the upper sample, played slower


def test_strings_sound_along_while_the_pedal_is_down_and_not_after() -> None:
    audio = np.zeros(4 * RATE, np.float32)
    audio[: RATE // 2] = np.sin(2 * np.pi * 220 * np.arange(RATE // 2) / RATE)
    works = Mechanism(-20, -99, draw_strings(RATE, random()))
    heard = sound_along(audio, RATE, np.array([[0.0, 2.0]]), works)
    along = np.abs(heard - audio)
    assert along[RATE : 2 * RATE - 1000].max() > 1e-3
    assert along[int(2.1 * RATE) :].max() < 1e-6
    dry = sound_along(audio, RATE, np.zeros((0, 2)), works)
    assert np.abs(dry - audio).max() < 1e-6


def test_a_key_knocks_at_both_ends_and_as_loud_as_it_was_struck() -> None:
    notes = np.array([[0.5, 1.0, 60, 30.0], [1.5, 2.0, 60, 120.0]])
    audio = np.zeros(3 * RATE, np.float32)
    audio[0] = 1.0  # what the level of knocks is taken from
    works = Mechanism(-99, -20, np.zeros(1, np.float32))
    noise = np.abs(knock(audio, RATE, notes, works, random()) - audio)
    assert noise[: int(0.46 * RATE)].max() < 1e-6
    assert noise[int(0.46 * RATE) : int(0.6 * RATE)].max() > 0
    assert noise[int(1.0 * RATE) : int(1.1 * RATE)].max() > 0
    assert noise.max() < 1.0
    softer = np.abs(knock(audio, RATE, notes / [1, 1, 1, 2], works, random()) - audio)
    struck = slice(int(1.46 * RATE), int(1.55 * RATE))
    assert noise[struck].max() == pytest.approx(2 * softer[struck].max(), rel=1e-3)


def test_a_seed_makes_the_same_piano_again() -> None:
    one, again = draw_character(random()), draw_character(random())
    assert np.array_equal(one.cents, again.cents)
    assert replace(one, cents=AS_SAMPLED.cents) == replace(again, cents=AS_SAMPLED.cents)


def test_a_varied_piano_sounds_when_the_table_says_so(instrument: SampledInstrument) -> None:
    instrument.varied = True
    notes = np.array([[0.5, 1.0, 71, 100], [1.5, 2.0, 79, 100]])
    audio = render(notes, instrument, random(), np.array([[0.4, 1.2]]))
    loud = np.abs(audio) > 0.3 * np.abs(audio).max()
    assert np.flatnonzero(loud)[0] / RATE == pytest.approx(0.5, abs=0.005)
