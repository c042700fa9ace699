"""The note decoder: each rule on its own, and no note left hanging whatever comes in."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from notewire.streaming.contracts import NoteEvent, NoteOff, NoteOn
from notewire.streaming.decoding import DecoderConfig, FrameClock, pushed
from notewire.streaming.notes import Activations, NoteDecoder

CLOCK = FrameClock(rate=16_000, hop=320, look_ahead=640, delay=16)
C4 = 60 - 21
OUTPUTS = ("onset", "frame", "velocity", "shift")


def activations(hops: int, **rows: np.ndarray) -> Activations:
    """Silence at a good level, with some outputs replaced: (hops, 88), or with look-aheads."""
    level = rows.pop("level", np.full(hops, -20.0))
    said = {name: rows[name].reshape(hops, -1, 88) for name in rows}
    empty = np.zeros((hops, max((rows.shape[1] for rows in said.values()), default=1), 88))
    return Activations(**{**dict.fromkeys(OUTPUTS, empty), **said}, level=level)


def one_key(values: list[float], key: int = C4) -> np.ndarray:
    out = np.zeros((len(values), 88))
    out[:, key] = values
    return out


def decode(said: Activations, clock: FrameClock = CLOCK, **knobs: object) -> list[NoteEvent]:
    decoder = NoteDecoder(DecoderConfig.model_validate(knobs), clock)
    events, state = decoder(said, None)
    return events + decoder.release(state, CLOCK.emitted(len(said.onset)))[0]


def struck(events: list[NoteEvent]) -> list[int]:
    return [event.pitch for event in events if isinstance(event, NoteOn)]


def test_a_note_begins_and_ends() -> None:
    said = activations(
        12,
        onset=one_key([0, 0, 0, 0.9, 0.8] + 7 * [0]),
        frame=one_key([0, 0, 0] + 5 * [0.9] + 4 * [0]),
        velocity=one_key(12 * [0.5]),
        shift=one_key(12 * [0.25]),
    )
    on, off = decode(said)
    start = 3 * 320 - 640
    assert on == NoteOn(1, 60, 64, onset=start + 80, emitted=4 * 320 + 16)
    assert off == NoteOff(1, 60, offset=8 * 320 - 640, emitted=10 * 320 + 16)


def test_an_end_is_dated_back_to_where_the_note_began_to_fade() -> None:
    said = activations(
        16,
        onset=one_key([0, 0, 0.9] + 13 * [0]),
        frame=one_key([0, 0] + 6 * [0.9] + 4 * [0.4] + 4 * [0]),
    )
    late, sooner = (decode(said, fade=fade)[1] for fade in (0.0, 0.6))
    assert late == NoteOff(1, 60, offset=12 * 320 - 640, emitted=14 * 320 + 16)
    assert sooner == NoteOff(1, 60, offset=8 * 320 - 640, emitted=14 * 320 + 16)


def test_a_soft_note_keeps_its_length() -> None:
    said = activations(
        16,
        onset=one_key([0, 0, 0.9] + 13 * [0]),
        frame=one_key([0, 0] + 10 * [0.5] + 4 * [0]),
    )
    assert decode(said, fade=0.6) == decode(said, fade=0.0)


def test_a_note_strikes_again_only_after_its_onset_fell() -> None:
    held = one_key(9 * [0.9])
    plateau = activations(9, onset=one_key(9 * [0.9]), frame=held)
    again = activations(9, onset=one_key([0, 0, 0.9, 0.9, 0, 0, 0.9, 0, 0]), frame=held)
    assert struck(decode(plateau)) == [60]
    assert struck(decode(again)) == [60, 60]
    kinds = [type(event) for event in decode(again)]
    assert kinds == [NoteOn, NoteOff, NoteOn, NoteOff]


def test_range_gate_and_transposition() -> None:
    said = activations(4, onset=one_key([0, 0, 0, 0.9]))
    assert struck(decode(said, transpose=12)) == [72]
    assert struck(decode(said, lowest=61)) == []
    assert struck(decode(said, highest=59)) == []
    assert struck(decode(said._replace(level=np.full(4, -80.0)))) == []


def test_over_the_limit_the_likeliest_are_kept() -> None:
    onset = np.zeros((4, 88))
    onset[3, [10, 20, 30]] = [0.7, 0.9, 0.8]
    assert struck(decode(activations(4, onset=onset), polyphony=2)) == [41, 51]


def test_no_note_outlasts_the_limit() -> None:
    said = activations(100, onset=one_key([0, 0, 0, 0.9] + 96 * [0]), frame=one_key(100 * [0.9]))
    on, off = decode(said, longest_s=1.0)
    assert isinstance(on, NoteOn)
    assert isinstance(off, NoteOff)
    assert off.emitted - on.onset < 1.1 * 16_000
    assert len(decode(said)) == 2


def test_sensitivity_is_one_knob() -> None:
    said = activations(4, onset=one_key([0, 0, 0, 0.5]))
    assert struck(decode(said, onset=0.6, sensitivity=0.9)) == [60]
    assert struck(decode(said, onset=0.4, sensitivity=0.1)) == []
    assert pushed(0.37, 0.5) == np.float64(0.37)


def test_a_tilt_is_bolder_in_the_bass_and_the_same_at_middle_c() -> None:
    for key, heard in ((C4 - 24, [36]), (C4, [60]), (C4 + 24, [])):
        said = activations(6, onset=one_key([0, 0, 0, 0.5, 0, 0], key))
        assert struck(decode(said, onset=0.5, tilt=0.3)) == heard
    said = activations(6, onset=one_key([0, 0, 0, 0.4, 0, 0], C4 - 24))
    assert struck(decode(said, onset=0.5, tilt=0.3)) == [36]
    assert struck(decode(said, onset=0.5)) == []


def test_an_onset_that_no_frame_supports_is_no_note() -> None:
    onset = one_key([0, 0, 0, 0.9, 0, 0])
    for frame, heard in ((0.2, []), (0.5, [60])):
        said = activations(6, onset=onset, frame=one_key(6 * [frame]))
        assert struck(decode(said, support=0.3)) == heard
        assert struck(decode(said, support=0.3, sensitivity=1.0)) == [60]


def test_more_sensitivity_never_hears_less() -> None:
    onset = one_key([0, 0, 0, 0.8, 0.2, 0.8, 0.1, 0.8, 0.25, 0.8, 0])
    said = activations(11, onset=onset, frame=one_key(11 * [0.9]))
    counts = [len(struck(decode(said, sensitivity=s / 4))) for s in range(5)]
    assert counts == sorted(counts)
    assert counts[-1] > counts[0]


def test_a_note_that_ends_makes_room_in_the_same_hop() -> None:
    onset = np.zeros((8, 88))
    onset[3, 10] = onset[6, 20] = 0.9
    frame = np.zeros((8, 88))
    frame[3:5, 10] = 0.9
    events = decode(activations(8, onset=onset, frame=frame), polyphony=1, shortest_ms=0)
    emitted = [event.emitted for event in events if event.pitch == 41]
    assert emitted[0] == 7 * 320 + 16


def test_notes_are_not_shorter_than_asked() -> None:
    said = activations(20, onset=one_key([0, 0, 0, 0.9] + 16 * [0]))
    on, off = decode(said, shortest_ms=200)
    assert isinstance(on, NoteOn)
    assert isinstance(off, NoteOff)
    assert off.offset - on.onset >= 3200


@pytest.mark.parametrize("clock", [CLOCK, replace(CLOCK, sooner=(0, 200))])
@settings(max_examples=40, deadline=None)
@given(
    onset=arrays(np.float64, (30, 3, 88), elements=st.sampled_from([0.0, 0.1, 0.4, 0.6, 0.95])),
    frame=arrays(np.float64, (30, 3, 88), elements=st.sampled_from([0.0, 0.2, 0.5, 1.0])),
    shift=arrays(np.float64, (30, 3, 88), elements=st.floats(-1, 1)),
    cuts=st.lists(st.integers(0, 30), max_size=5),
)
def test_whatever_comes_every_note_ends_once(
    clock: FrameClock, onset: np.ndarray, frame: np.ndarray, shift: np.ndarray, cuts: list[int]
) -> None:
    heard = slice(2 - len(clock.sooner), 3)
    said = activations(30, onset=onset[:, heard], frame=frame[:, heard], shift=shift[:, heard])
    config = DecoderConfig(sure=0.9)
    decoder, state, events = NoteDecoder(config, clock), None, []
    for part in zip(*(np.split(rows, sorted(cuts)) for rows in said), strict=True):
        new, state = decoder(Activations(*part), state)
        events += new
    assert state is not None
    events += decoder.release(state, clock.emitted(30))[0]
    assert events == decode(said, clock, sure=0.9)
    assert_well_formed(events)


def assert_well_formed(events: list[NoteEvent]) -> None:
    """Ids pair up, a pitch sounds once at a time, ends follow beginnings, nothing is foretold."""
    begun: dict[int, NoteOn] = {}
    sounding: Counter[int] = Counter()
    for event in events:
        sounding[event.pitch] += 1 if isinstance(event, NoteOn) else -1
        assert sounding[event.pitch] in (0, 1)
        if isinstance(event, NoteOn):
            assert event.onset <= event.emitted
            assert event.id not in begun
            begun[event.id] = event
        else:
            assert event.offset > begun[event.id].onset
            assert event.pitch == begun[event.id].pitch
    assert not sounding.total()
    assert [e.emitted for e in events] == sorted(e.emitted for e in events)
