"""Listening twice, half a hop apart: answers in their order, the same from any split."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from contract import splits
from test_notes import assert_well_formed
from test_transcriber import music, run

from notewire.models.config import ModelConfig
from notewire.models.network import Network
from notewire.models.phases import at_start, in_turn, refit, steadied
from notewire.models.transcriber import Transcriber
from notewire.streaming.contracts import AudioBlock, NotewireError
from notewire.streaming.decoding import DecoderConfig, FrameClock
from notewire.streaming.vqt_config import VQTConfig

RATE, HOP = 16_000, 320
ONCE = DecoderConfig(onset=0.5, hold=0.5, gate_db=-200)
TWICE = ONCE.model_copy(update={"phases": 2})


def test_answers_come_in_turn_and_frames_end_half_a_hop_apart() -> None:
    first, second = torch.tensor([1.0, 3.0]), torch.tensor([0.0, 2.0])
    assert in_turn([first, second], 0).tolist() == [0, 1, 2, 3]
    assert in_turn([first, second[:1]], 1).tolist() == [1, 0, 3]
    assert in_turn([first], 7).tolist() == [1, 3]
    clock = FrameClock(RATE, HOP, look_ahead=640, delay=16, phases=2)
    assert [clock.emitted(answer) for answer in range(3)] == [176, 336, 496]
    assert [clock.start(answer) for answer in range(3)] == [-800, -640, -480]
    assert clock.starts(np.arange(3))[:, 0, 0].tolist() == [-800, -640, -480]


@pytest.mark.parametrize("cut", range(5))
def test_what_lasts_is_the_mean_of_the_newest_answers(cut: int) -> None:
    logits, before = torch.tensor([4.0, 2.0, 0.0, 6.0]), None
    found = []
    for part in (logits[:cut], logits[cut:]):
        mean, before = steadied(part, before, 2)
        found += mean.tolist()
    assert found == [4, 3, 1, 3]
    assert steadied(logits, None, 1) == (logits, None)


@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_any_split_gives_the_same_events(
    tiny_network: Network, tiny_config: ModelConfig, rate: int
) -> None:
    network, audio = copy.deepcopy(tiny_network).double(), music(rate, 1.0)

    def events(sizes: list[int]) -> list:
        return run(Transcriber(network, tiny_config, rate, "balanced", TWICE), audio, sizes)

    whole = events([len(audio)])
    assert len(whole) > 20
    assert_well_formed(whole)
    assert len({event.emitted % HOP // 8 for event in whole[:-20]}) > 1  # in both halves of a hop
    for sizes in list(splits(len(audio) // 100, 100))[2:]:
        rest = len(audio) - sum(sizes)
        assert events([1, *sizes, rest - 1]) == whole
    blocks = len(audio) // 100
    assert events([100] * blocks + [len(audio) - 100 * blocks]) == whole


def test_a_reader_of_one_phase_hears_the_same_beside_one_of_two(
    tiny_network: Network, tiny_config: ModelConfig
) -> None:
    audio = music(RATE, 1.0)
    alone = Transcriber(tiny_network, tiny_config, RATE, "accurate", ONCE)
    beside = Transcriber(tiny_network, tiny_config, RATE, "fast", TWICE, later=("accurate", ONCE))
    sizes = [333] * 48 + [16]
    said = run(alone, audio, sizes)
    run(beside, audio, sizes)
    assert beside.second_thoughts().events == said
    assert len(said) > 10
    assert (alone.step, beside.step) == (HOP, HOP // 2)


def test_a_second_phase_may_come_and_go_in_the_middle_of_a_stream(
    tiny_network: Network, tiny_config: ModelConfig
) -> None:
    audio = music(RATE, 3.0)
    transcriber = Transcriber(tiny_network, tiny_config, RATE, "balanced", ONCE)
    thirds = np.split(audio, [16_100, 32_050])
    events, start = [], 0
    for part, knobs in zip(thirds, (TWICE, ONCE, TWICE), strict=True):
        events += transcriber.feed(AudioBlock(start, part))
        events += transcriber.switch("balanced", knobs)
        start += len(part)
    events += transcriber.flush()
    assert_well_formed(events)
    twice = run(Transcriber(tiny_network, tiny_config, RATE, "balanced", TWICE), audio, [48_000])
    late = [[e for e in each if 24_000 < e.emitted <= 32_000] for each in (events, twice)]
    assert {e.pitch for e in late[0]} == {e.pitch for e in late[1]}
    assert max(event.emitted for event in events) == 48_000


def test_the_phase_that_joins_has_heard_what_the_first_has() -> None:
    """Before the first hop is complete, and after."""
    places = at_start(1, HOP, np.dtype("f4"))
    (_, joined) = refit(places, 2, HOP)
    assert len(joined.rest) == HOP // 2
    assert refit((places[0], joined), 1, HOP) == places


def test_a_hop_that_cannot_be_halved_is_refused() -> None:
    config = ModelConfig(vqt=VQTConfig(hop=321))
    assert config.clock("fast").phases == 1
    with pytest.raises(NotewireError, match="not 321"):
        config.clock("fast", phases=2)
