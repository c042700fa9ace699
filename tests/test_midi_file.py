"""The file says what was played and when, and is never half a file."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import mido
import pytest
from hypothesis import given, settings
from streams import RATE, streams

from notewire.bridge.midi_file import MidiFile
from notewire.streaming.contracts import NoteEvent, NoteOff, NoteOn, NotewireError

TICK = 1 / 1920  # seconds


def write(path: Path, events: Sequence[NoteEvent]) -> mido.MidiFile:
    sink = MidiFile(path, RATE)
    for event in events:
        sink.send(event)
    sink.close()
    return mido.MidiFile(path)


def timed(midi: mido.MidiFile) -> list[tuple[float, str, int, int]]:
    """(seconds, type, pitch, velocity) of the notes, by mido's own reading of the tempo."""
    now, found = 0.0, []
    for message in midi:
        now += message.time
        if not message.is_meta:
            found.append((now, message.type, message.note, message.velocity))
    return found


def test_notes_lie_at_their_onset_not_at_their_emission(tmp_path: Path) -> None:
    events = [NoteOn(1, 60, 80, RATE, 2 * RATE), NoteOff(1, 60, 3 * RATE, 4 * RATE)]
    assert timed(write(tmp_path / "a.mid", events)) == [
        (pytest.approx(1.0), "note_on", 60, 80),
        (pytest.approx(3.0), "note_off", 60, 64),
    ]


def test_the_file_says_that_the_tempo_is_unknown(tmp_path: Path) -> None:
    midi = write(tmp_path / "a.mid", [])
    assert midi.type == 1
    assert midi.ticks_per_beat >= 480
    text = [message.text for message in midi.tracks[0] if message.type == "text"]
    assert text == ["Tempo unknown: ticks are times at 120 bpm, 1920 ticks a second"]


def test_no_notes_make_a_valid_empty_file(tmp_path: Path) -> None:
    assert timed(write(tmp_path / "new" / "folder" / "a.mid", [])) == []


def test_close_ends_what_still_sounds(tmp_path: Path) -> None:
    events = [NoteOn(1, 60, 80, 0, RATE), NoteOn(2, 64, 80, RATE, 5 * RATE)]
    ends = [note for note in timed(write(tmp_path / "a.mid", events)) if note[1] == "note_off"]
    assert ends == [(pytest.approx(5.0), "note_off", pitch, 64) for pitch in (60, 64)]


def test_a_note_struck_again_ends_where_the_next_begins(tmp_path: Path) -> None:
    events = [
        NoteOn(1, 60, 80, 0, 0),
        NoteOff(1, 60, 2 * RATE, 2 * RATE),
        NoteOn(2, 60, 90, RATE, 2 * RATE),
        NoteOff(2, 60, 3 * RATE, 3 * RATE),
    ]
    kinds = [(round(when, 3), kind) for when, kind, *_ in timed(write(tmp_path / "a.mid", events))]
    assert kinds == [(0, "note_on"), (1, "note_off"), (1, "note_on"), (3, "note_off")]


@settings(deadline=None)  # a disk takes the time it takes
@given(streams)
def test_on_every_key_ons_and_offs_take_turns(events: list[NoteEvent]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        notes = timed(write(Path(folder) / "a.mid", events))
    for pitch in range(60, 64):
        kinds = [kind for _, kind, note, _ in notes if note == pitch]
        assert kinds == ["note_on", "note_off"] * (len(kinds) // 2)
        edges = [when for when, _, note, _ in notes if note == pitch]
        assert all(after - before > TICK / 2 for before, after in pairwise(edges[::2]))


@settings(deadline=None)  # a disk takes the time it takes
@given(streams)
def test_every_onset_is_in_the_file_to_half_a_tick(events: list[NoteEvent]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        notes = timed(write(Path(folder) / "a.mid", events))
    for event in events:
        if isinstance(event, NoteOn):
            begun = [
                when for when, kind, note, _ in notes if (kind, note) == ("note_on", event.pitch)
            ]
            assert min(abs(when - event.onset / RATE) for when in begun) <= TICK / 2 + 1e-6


def test_nothing_is_there_before_close_and_no_part_is_left(tmp_path: Path) -> None:
    sink = MidiFile(tmp_path / "a.mid", RATE)
    sink.send(NoteOn(1, 60, 80, 0, 0))
    assert list(tmp_path.glob("[!.]*")) == []
    sink.close()
    sink.close()
    assert [path.name for path in tmp_path.iterdir()] == ["a.mid"]


def test_a_write_that_fails_leaves_no_part_and_may_be_tried_again(tmp_path: Path) -> None:
    sink = MidiFile(tmp_path / "a.mid", RATE)
    sink.path.mkdir()
    with pytest.raises(NotewireError, match=r"cannot write .*a.mid: .*; check"):
        sink.close()
    assert list(tmp_path.glob("[!.]*")) == [sink.path]
    sink.path.rmdir()
    sink.close()
    assert timed(mido.MidiFile(sink.path)) == []


def test_a_bad_place_is_named_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "file" / "a.mid"):
        with pytest.raises(NotewireError, match=f"cannot write {path}: "):
            MidiFile(path, RATE)
