"""Several look-aheads, one note: what is sure is said at once, what is in doubt later."""

from __future__ import annotations

import numpy as np
import pytest

from notewire.models.config import ModelConfig, NetworkConfig
from notewire.streaming.contracts import NoteEvent, NoteOff, NoteOn
from notewire.streaming.decoding import DecoderConfig, FrameClock
from notewire.streaming.notes import Activations, NoteDecoder

RATE, HOP = 16_000, 320
CLOCK = FrameClock(RATE, HOP, look_ahead=4 * HOP, sooner=(0,))  # frame 5: heard in hops 5 and 9
SOON, OWN = 0, 1
HOPS = 40


def answers(onsets: dict[tuple[int, int], float], ends: tuple[int, ...] = (20,)) -> Activations:
    """Of middle C. onsets: (frame, look-ahead) -> probability; ends: a frame of silence each."""
    onset, frame = np.zeros((2, HOPS, 2, 88))
    for (at, look), likely in onsets.items():
        onset[at + 4 * look, look, 39] = likely
    for look in (SOON, OWN):
        frame[5 + 4 * look : max(ends) + 4 * look, look, 39] = 0.9
        for end in ends[:-1]:
            frame[end + 4 * look : end + 3 + 4 * look, look, 39] = 0.0
    zeros = np.zeros_like(onset)
    return Activations(onset, frame, zeros + 0.5, zeros, np.full(HOPS, -20.0))


def decode(said: Activations, **knobs: float) -> list[NoteEvent]:
    decoder = NoteDecoder(DecoderConfig.model_validate({"sure": 0.9, **knobs}), CLOCK)
    events, state = decoder(said, None)
    return events + decoder.release(state, CLOCK.emitted(HOPS))[0]


def begun(events: list[NoteEvent]) -> list[tuple[int, int]]:
    """Frame of the onset, and the hop that said it."""
    ons = [event for event in events if isinstance(event, NoteOn)]
    return [(on.onset // HOP, on.emitted // HOP - 1) for on in ons]


def ended(events: list[NoteEvent]) -> list[tuple[int, int]]:
    offs = [event for event in events if isinstance(event, NoteOff)]
    return [(off.offset // HOP, off.emitted // HOP - 1) for off in offs]


def test_what_is_sure_is_said_at_once_and_what_is_in_doubt_later() -> None:
    assert begun(decode(answers({(5, SOON): 0.95, (5, OWN): 0.95}))) == [(5, 5)]
    assert begun(decode(answers({(5, SOON): 0.8, (5, OWN): 0.95}))) == [(5, 9)]
    assert begun(decode(answers({(5, SOON): 0.95, (5, OWN): 0.95}), sure=1.0)) == [(5, 9)]
    assert begun(decode(answers({(5, SOON): 0.8, (5, OWN): 0.95}), sensitivity=0.9)) == [(5, 5)]


def test_both_may_disagree_about_the_frame_of_an_onset() -> None:
    for late in (-2, 3):
        said = answers({(8, SOON): 0.95, (8 + late, OWN): 0.95})
        assert begun(decode(said)) == [(8, 8)]
    twice = answers({(5, SOON): 0.95, (10, OWN): 0.95})
    assert begun(decode(twice)) == [(5, 5), (10, 14)]
    assert begun(decode(twice, apart_ms=120)) == [(5, 5)]


def test_one_look_ahead_hears_fast_repetitions() -> None:
    assert begun(decode(answers({(5, SOON): 0.95, (8, SOON): 0.95}))) == [(5, 5), (8, 8)]
    assert begun(decode(answers({(5, OWN): 0.95, (8, OWN): 0.95}))) == [(5, 9), (8, 12)]


def test_a_note_that_was_said_soon_waits_for_its_end() -> None:
    """The frames before its onset, which the longer look-ahead is still at, do not end it."""
    late = ended(decode(answers({(5, OWN): 0.95})))
    assert ended(decode(answers({(5, SOON): 0.95, (5, OWN): 0.95}))) == late == [(20, 25)]


def test_a_note_that_only_the_soonest_heard_is_short() -> None:
    said = answers({(5, SOON): 0.95})
    said.frame[:, OWN] = 0.0
    assert ended(decode(said)) == [(7, 11)]


def test_a_repeated_note_ends_where_who_repeats_it_heard_it_end() -> None:
    said = answers({(5, SOON): 0.95, (5, OWN): 0.95, (14, SOON): 0.95}, ends=(11, 30))
    assert begun(decode(said)) == [(5, 5), (14, 14)]
    assert ended(decode(said))[0] == (11, 14)


def test_a_state_serves_when_the_number_of_look_aheads_changes() -> None:
    said = answers({(5, SOON): 0.95, (5, OWN): 0.95})
    halves = zip(*(np.split(part, [12]) for part in said), strict=True)
    first, rest = (Activations(*half) for half in halves)
    alone = FrameClock(RATE, HOP, look_ahead=4 * HOP)
    events, state = NoteDecoder(DecoderConfig(sure=0.9), CLOCK)(first, None)
    own = Activations(*(part[:, OWN:] if part.ndim > 1 else part for part in rest))
    more, state = NoteDecoder(DecoderConfig(), alone)(own, state)
    assert ended(events + more) == [(20, 25)]
    assert not state.sounding


def test_a_mode_hears_all_that_wait_no_longer() -> None:
    sizes = NetworkConfig(sooner=(32,), look_ahead={"fast": 300, "accurate": 2600, "balanced": 600})
    config = ModelConfig(network=sizes)
    assert [config.heads(mode) for mode in ("fast", "balanced", "accurate")] == [
        [0, 1],
        [0, 1, 3],
        [0, 1, 3, 2],
    ]
    clock = config.clock("balanced")
    assert (clock.sooner, clock.look_ahead) == ((32, 300), 600)
    assert clock.starts(np.array([3]))[0, :, 0].tolist() == [960 - 32, 960 - 300, clock.start(3)]


def test_nobody_is_ever_too_sure() -> None:
    with pytest.raises(ValueError, match="less than or equal to 1"):
        DecoderConfig(sure=1.5)
