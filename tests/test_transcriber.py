"""The whole Transcriber: the same events from any split, none that foresees, none left hanging."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from contract import splits
from test_notes import assert_well_formed

from notewire.models.config import MODES, Mode, ModelConfig
from notewire.models.network import Network
from notewire.models.transcriber import Transcriber
from notewire.streaming.contracts import AudioBlock, NoteEvent
from notewire.streaming.decoding import DecoderConfig

KNOBS = DecoderConfig(onset=0.5, hold=0.5, gate_db=-200)
RANDOM = np.random.default_rng(5)


def music(rate: int, seconds: float) -> np.ndarray:
    """Plucked tones at random moments, float32."""
    time = np.arange(int(rate * seconds)) / rate
    audio = 0.001 * RANDOM.standard_normal(len(time))
    for onset in np.arange(0.05, seconds, 0.15):
        frequency = 440 * 2 ** (RANDOM.integers(-30, 30) / 12)
        since = np.maximum(time - onset, 0)
        audio += 0.2 * (time > onset) * np.sin(2 * np.pi * frequency * since) * np.exp(-5 * since)
    return audio.astype(np.float32)


def run(transcriber: Transcriber, audio: np.ndarray, sizes: list[int]) -> list[NoteEvent]:
    events, start = [], 0
    for samples in np.split(audio, np.cumsum(sizes)[:-1]):
        events += transcriber.feed(AudioBlock(start, samples))
        start += len(samples)
    return events + transcriber.flush()


@pytest.mark.parametrize("rate", [16_000, 44_100])
@pytest.mark.parametrize("mode", MODES)
def test_any_split_gives_the_same_events(
    tiny_network: Network, tiny_config: ModelConfig, rate: int, mode: Mode
) -> None:
    network, audio = copy.deepcopy(tiny_network).double(), music(rate, 1.2)

    def events(sizes: list[int]) -> list[NoteEvent]:
        return run(Transcriber(network, tiny_config, rate, mode, KNOBS), audio, sizes)

    whole = events([len(audio)])
    assert len(whole) > 20
    assert_well_formed(whole)
    for sizes in list(splits(len(audio) // 100, 100))[2:]:
        rest = len(audio) - sum(sizes)
        assert events([1, *sizes, rest - 1]) == whole
    hop = rate // 50
    for block in (hop - 1, hop, hop + 1):
        count = len(audio) // block
        assert events([block] * count + [len(audio) - block * count]) == whole


@pytest.mark.parametrize("rate", [16_000, 48_000])
def test_what_was_said_does_not_depend_on_what_comes_later(
    tiny_network: Network, tiny_config: ModelConfig, rate: int
) -> None:
    audio = music(rate, 1.5)

    def events(length: int) -> list[NoteEvent]:
        transcriber = Transcriber(tiny_network, tiny_config, rate, "fast", KNOBS)
        return run(transcriber, audio[:length], [length])

    whole = events(len(audio))
    for length in (rate // 3, rate // 2 + 1, rate):
        end = length * 16_000 // rate
        early = [event for event in events(length) if event.emitted < end]
        assert early == [event for event in whole if event.emitted < end]
        assert early


def test_a_gap_releases_and_starts_anew(tiny_network: Network, tiny_config: ModelConfig) -> None:
    audio = music(16_000, 1.0)
    transcriber = Transcriber(tiny_network, tiny_config, 16_000, "fast", KNOBS)
    before = transcriber.feed(AudioBlock(0, audio))
    held = len(transcriber.sounding)
    assert held
    after = transcriber.feed(AudioBlock(48_000, audio))
    assert_well_formed(before + after + transcriber.flush())
    offs, fresh = after[:held], after[held:]
    assert {event.emitted for event in offs} == {16_000}
    assert min(event.emitted for event in fresh) > 48_000
    moved = [event.emitted - 48_000 for event in fresh]
    assert moved == [event.emitted for event in before]


def test_nothing_in_nothing_out(tiny_network: Network, tiny_config: ModelConfig) -> None:
    transcriber = Transcriber(tiny_network, tiny_config, 48_000)
    assert transcriber.feed(AudioBlock(0, np.zeros(0, np.float32))) == []
    assert transcriber.flush() == []


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_the_same_notes_from_a_gpu(tiny_network: Network, tiny_config: ModelConfig) -> None:
    audio = music(16_000, 2.0)
    cpu = Transcriber(tiny_network, tiny_config, 16_000, "fast", KNOBS)
    there = Transcriber(copy.deepcopy(tiny_network).to("cuda"), tiny_config, 16_000, "fast", KNOBS)
    pitches = [[e.pitch for e in run(t, audio, [len(audio)])] for t in (cpu, there)]
    assert pitches[0] == pitches[1]
