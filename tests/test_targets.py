"""Targets are the decoder's inverse: perfect answers decode to the notes they came from."""

from __future__ import annotations

import numpy as np
import pytest

from notewire.models.network import OUTPUTS
from notewire.streaming.contracts import NoteOff, NoteOn
from notewire.streaming.decoding import DecoderConfig, FrameClock
from notewire.streaming.notes import Activations, NoteDecoder
from notewire.training.targets import targets

HOP = 0.02
NOTES = np.array([[0.313, 0.9, 60, 80], [0.318, 0.5, 64, 30], [0.7, 1.4, 64, 127]])


@pytest.mark.parametrize("look_ahead", [0, 256, 640, 2240])
def test_perfect_answers_decode_to_the_notes(look_ahead: int) -> None:
    wish = targets(NOTES, 100, HOP, [look_ahead / 16_000])[:, 0]
    said = dict(zip(OUTPUTS, wish.transpose(1, 0, 2)[:, :, None], strict=True))
    said.pop("offset")
    clock = FrameClock(16_000, 320, look_ahead)
    events, _ = NoteDecoder(DecoderConfig(), clock)(Activations(**said, level=np.zeros(100)), None)
    on = [event for event in events if isinstance(event, NoteOn)]
    ends = {event.id: event.offset / 16_000 for event in events if isinstance(event, NoteOff)}
    found = sorted((e.onset / 16_000, ends[e.id], e.pitch, e.velocity) for e in on)
    assert len(found) == len(NOTES)
    for note, true in zip(found, NOTES, strict=True):
        assert note[0] == pytest.approx(true[0], abs=1e-4)
        assert note[1] == pytest.approx(true[1], abs=0.6 * HOP)
        assert note[2:] == tuple(true[2:])
    for event in on:
        waited = event.emitted / 16_000 - event.onset / 16_000 - look_ahead / 16_000
        assert 0 < waited <= HOP + 1e-4


def test_a_note_from_before_the_crop_sounds_without_an_onset() -> None:
    wish = targets(np.array([[-1.0, 0.5, 60, 80]]), 50, HOP, [0.0])[:, 0]
    assert wish[:, OUTPUTS.index("onset")].sum() == 0
    assert wish[:25, OUTPUTS.index("frame"), 39].all()
    assert wish[25:, OUTPUTS.index("frame")].sum() == 0


def test_pitches_off_the_keyboard_are_left_out() -> None:
    assert targets(np.array([[0, 1, 12, 80], [0, 1, 120, 80]]), 50, HOP, [0.0]).sum() == 0
