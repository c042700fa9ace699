"""Listening twice, half a hop apart: answers in their order, the same from any split."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from contract import splits
from test_notes import assert_well_formed
from test_transcriber import music, run

from notewire.models.config import Mode, ModelConfig
from notewire.models.network import Network
from notewire.models.phases import in_turn, refit, steadied
from notewire.models.transcriber import Transcriber
from notewire.streaming.contracts import AudioBlock, Gesture, NoteEvent, NoteOn
from notewire.streaming.decoding import DecoderConfig, FrameClock
from notewire.streaming.notes import paced, silence

RATE, HOP = 16_000, 320
ONCE = DecoderConfig(onset=0.5, hold=0.5, gate_db=-200)
TWICE = ONCE.model_copy(update={"phases": 2})
LATE = 16_000


def test_answers_come_in_turn_and_frames_end_half_a_hop_apart() -> None:
    first, second = np.array([1.0, 3.0]), np.array([0.0, 2.0])
    assert in_turn([first, second], 0).tolist() == [0, 1, 2, 3]
    assert in_turn([first, second[:1]], 1).tolist() == [1, 0, 3]
    assert in_turn([first], 7).tolist() == [1, 3]
    clock = FrameClock(RATE, HOP, look_ahead=640, delay=16, phases=2)
    assert [clock.emitted(answer) for answer in range(3)] == [176, 336, 496]
    assert [clock.start(answer) for answer in range(3)] == [-800, -640, -480]
    assert clock.starts(np.arange(3))[:, 0, 0].tolist() == [-800, -640, -480]


@pytest.mark.parametrize("cut", range(5))
def test_what_lasts_is_the_mean_of_the_newest_answers(cut: int) -> None:
    logits, before = np.array([4.0, 2.0, 0.0, 6.0]), None
    found = []
    for part in (logits[:cut], logits[cut:]):
        mean, before = steadied(part, before, 2)
        found += mean.tolist()
    assert found == [4, 3, 1, 3]
    assert steadied(logits, None, 1) == (logits, None)


@pytest.fixture(scope="module")
def listener(tiny_config: ModelConfig) -> tuple[Network, ModelConfig]:
    """Hears the pedal too, in double precision."""
    sizes = tiny_config.network.model_copy(update={"pedal": 4})
    config = tiny_config.model_copy(update={"network": sizes})
    torch.manual_seed(3)
    network = Network(config)
    with torch.no_grad():
        network.heads.weight.mul_(30)
        assert network.pedal
        network.pedal.out.weight.mul_(30)
    return network.double().eval().requires_grad_(False), config


@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_any_split_gives_the_same_events_and_gestures(
    listener: tuple[Network, ModelConfig], rate: int
) -> None:
    audio = music(rate, 1.0)

    def said(sizes: list[int]) -> tuple[list[NoteEvent], list[Gesture]]:
        transcriber = Transcriber(*listener, rate, "balanced", TWICE, bends=True, pedal=True)
        return run(transcriber, audio, sizes), sorted(transcriber.gestures(), key=repr)

    events, gestures = whole = said([len(audio)])
    assert len(events) > 20
    assert len(gestures) > 5
    assert_well_formed(events)
    assert {event.emitted % HOP for event in events[:-20]} > {events[0].emitted % HOP}
    for sizes in list(splits(len(audio) // 100, 100))[2:]:
        rest = len(audio) - sum(sizes)
        assert said([1, *sizes, rest - 1]) == whole
    blocks = len(audio) // 100
    assert said([100] * blocks + [len(audio) - 100 * blocks]) == whole


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


@pytest.mark.parametrize("size", [100, 200, 320, 5000, 5200])
def test_the_phase_that_joins_has_heard_what_one_from_the_start_has(
    listener: tuple[Network, ModelConfig], size: int
) -> None:
    once, twice = (Transcriber(*listener, RATE, "fast", knobs) for knobs in (ONCE, TWICE))
    block = AudioBlock(0, music(RATE, 1.0)[:size])
    once.feed(block)
    twice.feed(block)
    (first, joined), (_, there) = refit(once._stream.phases, 2, HOP), twice._stream.phases
    assert np.array_equal(joined.rest, there.rest)
    assert joined.hops == there.hops
    assert refit((first, joined), 1, HOP) == (first,)
    assert refit((first, joined), 2, HOP) == (first, joined)
    if (one := joined.network) and (other := there.network):
        late = HOP // 2  # the oldest samples nobody has any more
        assert torch.equal(one.audio[:, late:], other.audio[:, late:])


@pytest.mark.parametrize("size", [8100, 8200])  # before the middle of a hop, and after
@pytest.mark.parametrize(
    ("live", "later", "then"),
    [
        (("fast", ONCE), ("accurate", ONCE), (TWICE, ONCE)),
        (("fast", TWICE), ("accurate", ONCE), (TWICE, TWICE)),
        (("fast", ONCE), ("accurate", TWICE), (TWICE, TWICE)),
        (("fast", TWICE), ("accurate", TWICE), (ONCE, TWICE)),
        (("fast", TWICE), ("accurate", TWICE), (ONCE, ONCE)),
    ],
)
def test_phases_may_come_and_go_in_the_middle_of_a_stream(
    listener: tuple[Network, ModelConfig],
    size: int,
    live: tuple[Mode, DecoderConfig],
    later: tuple[Mode, DecoderConfig],
    then: tuple[DecoderConfig, DecoderConfig],
) -> None:
    """Soon after, most notes are those of a run that was so from the start."""
    audio, mode = music(RATE, 2.0), "balanced"
    changing = Transcriber(*listener, RATE, *live, later=later)
    events = changing.feed(AudioBlock(0, audio[:size]))
    events += changing.switch(mode, *then)
    events += run_on(changing, audio, size)
    thoughts = changing.second_thoughts().events
    steady = Transcriber(*listener, RATE, mode, then[0], later=(later[0], then[1]))
    assert alike(events, run_on(steady, audio, 0)) > 0.5  # a half hop off it would be none
    assert alike(thoughts, steady.second_thoughts().events) > 0.5
    assert_well_formed(events)
    assert_well_formed(thoughts)
    times = [event.emitted for event in events]
    assert times == sorted(times)


def run_on(transcriber: Transcriber, audio: np.ndarray, start: int) -> list[NoteEvent]:
    """In blocks of several answers."""
    events = []
    for begin in range(start, len(audio), 1700):
        events += transcriber.feed(AudioBlock(begin, audio[begin : begin + 1700]))
    return events + transcriber.flush()


def alike(one: list[NoteEvent], other: list[NoteEvent]) -> float:
    """Share of the later notes that both begin at the same sample and say at the same."""
    one_late, other_late = (
        {(e.pitch, e.onset, e.emitted) for e in events if isinstance(e, NoteOn) and e.onset > LATE}
        for events in (one, other)
    )
    assert len(one_late) > 30
    return len(one_late & other_late) / len(one_late | other_late)


def test_what_was_counted_in_answers_is_counted_anew() -> None:
    fading = np.arange(-1, 87)[None]
    state = silence()._replace(quiet=fading + 1, fading=fading, seen=9)
    twice = paced(state, 2, 1)
    assert twice.fading[0, :4].tolist() == [-1, 0, 2, 4]
    assert twice.quiet[0, :4].tolist() == [0, 2, 4, 6]
    again = paced(twice, 1, 2)
    assert again.fading.tolist() == fading.tolist()
    assert again.seen == 9
