"""The renderer: names, pedal, and notes that sound when the table says so."""

from __future__ import annotations

import shutil
from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile

from notewire.streaming.contracts import NotewireError
from notewire.training.instruments import (
    RATE,
    SampledInstrument,
    SoundFont,
    attack,
    parse_name,
)
from notewire.training.midi_notes import read_midi
from notewire.training.pedals import midi_pedals
from notewire.training.pianos import Character
from notewire.training.recordings import find_recordings
from notewire.training.render import folded, render, render_folder, shifted

FONT = Path("/usr/share/sounds/sf2/TimGM6mb.sf2")
needs_font = pytest.mark.skipif(
    not (FONT.exists() and shutil.which("fluidsynth")), reason="no FluidSynth"
)
RANDOM = np.random.default_rng(1)


@pytest.mark.parametrize(
    ("stem", "middle_c", "meant"),
    [
        ("FF A#2", 3, ("FF", 58)),
        ("Mf B-1", 3, ("MF", 23)),
        ("Ds4", 4, ("", 63)),
        ("A4", 4, ("", 69)),
    ],
)
def test_names(stem: str, middle_c: int, meant: tuple[str, int]) -> None:
    assert parse_name(stem, middle_c) == meant


@pytest.fixture
def instrument(tmp_path: Path) -> SampledInstrument:
    """Two decaying tones an octave apart, with silence before the attack."""
    folder = tmp_path / "samples"
    folder.mkdir()
    time = np.arange(44_100) / 44_100
    for name, frequency in (("A4", 440), ("A5", 880)):
        tone = np.sin(2 * np.pi * frequency * time) * np.exp(-2 * time)
        soundfile.write(folder / f"{name}.wav", np.pad(tone, (3000, 0)), 44_100)
    return SampledInstrument(folder, middle_c=4)


def test_notes_sound_when_and_where_the_table_says(instrument: SampledInstrument) -> None:
    notes = np.array([[0.5, 1.0, 71, 100], [1.5, 2.0, 79, 100]])
    audio = render(notes, instrument, np.random.default_rng(1))
    loud = np.abs(audio) > 0.05 * np.abs(audio).max()
    assert np.flatnonzero(loud)[0] / RATE == pytest.approx(0.5, abs=0.003)
    for onset, offset, pitch, _ in notes:
        part = audio[int(onset * RATE) : int(offset * RATE)]
        peak = np.abs(np.fft.rfft(part, 160_000)).argmax() / 10
        assert peak == pytest.approx(440 * 2 ** ((pitch - 69) / 12), rel=0.01)
    assert not loud[int(1.4 * RATE) : int(1.5 * RATE)].any()


def test_an_attack_is_found_behind_the_noise_of_fingers() -> None:
    noise = 0.05 * np.abs(np.sin(np.arange(2000)))
    pluck = np.exp(-np.arange(8000) / 2000)
    assert attack(np.concatenate([noise, np.zeros(600), pluck])) == pytest.approx(2600, abs=20)


def test_loud_is_louder(instrument: SampledInstrument) -> None:
    ways = Character(damping=0.1)
    soft, loud = (instrument.play(np.array([0, 1, 69, v]), ways).std() for v in (30, 120))
    assert loud > 3 * soft


def midi(path: Path, *messages: mido.Message) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    mido.MidiFile(tracks=[mido.MidiTrack(messages)], ticks_per_beat=480).save(path)
    return path


def test_the_pedal_holds_what_the_hand_lets_go(tmp_path: Path) -> None:
    message = mido.Message
    path = midi(
        tmp_path / "x.mid",
        message("note_on", note=60, velocity=64, time=0),
        message("control_change", control=64, value=127, time=480),
        message("note_off", note=60, time=480),
        message("note_on", note=60, velocity=90, time=960),
        message("control_change", control=64, value=0, time=960),
        message("note_on", note=60, velocity=0, time=960),
    )
    sounding = read_midi(path, sounding=True)
    assert sounding.tolist() == [[0.0, 2.0, 60, 64], [2.0, 4.0, 60, 90]]
    assert read_midi(path).tolist() == [[0.0, 1.0, 60, 64], [2.0, 4.0, 60, 90]]
    assert midi_pedals(path).tolist() == [[0.5, 3.0]]


def test_one_track_may_be_read_alone(tmp_path: Path) -> None:
    tracks = [mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=1_000_000)])]
    for name, note in (("MELODY", 72), ("PIANO", 48)):
        on, off = (mido.Message(kind, note=note, time=480) for kind in ("note_on", "note_off"))
        tracks.append(mido.MidiTrack([mido.MetaMessage("track_name", name=name), on, off]))
    mido.MidiFile(tracks=tracks, ticks_per_beat=480).save(tmp_path / "song.mid")
    assert len(read_midi(tmp_path / "song.mid")) == 2
    assert read_midi(tmp_path / "song.mid", "MELODY").tolist() == [[1.0, 2.0, 72, 64]]


def test_a_rendered_folder_is_a_data_set(tmp_path: Path, instrument: SampledInstrument) -> None:
    on = mido.Message("note_on", note=69, velocity=64, time=480)
    path = midi(tmp_path / "piece.mid", on, mido.Message("note_off", note=69, time=480))
    render_folder([path], instrument, tmp_path / "grand", hours=0.001, seed=1)
    found = find_recordings([tmp_path / "grand"])
    assert {recording.title for recording in found} == {"piece"}
    assert found[0].notes()[0, 0] == pytest.approx(0.5)


def test_a_pedal_that_is_down_before_the_music_begins_is_down_from_the_start() -> None:
    pedals = np.array([[0.0, 1.0], [1.5, 4.0], [5.0, 6.0]])
    assert shifted(pedals, -2.0).tolist() == [[0.0, 2.0], [3.0, 4.0]]


def test_labels_of_a_piano_tell_keys_and_pedal_apart(
    tmp_path: Path, instrument: SampledInstrument
) -> None:
    touched, held = [70, 0.5, 0.5], [69, 1.0, 1.5]  # pitch, down, up
    messages = [mido.Message("control_change", control=64, value=127)]
    now = 0.0
    for pitch, down, up in (touched, held):
        messages.append(mido.Message("note_on", note=pitch, time=round(960 * (down - now))))
        messages.append(mido.Message("note_off", note=pitch, time=round(960 * (up - down))))
        now = up
    messages.append(mido.Message("control_change", control=64, value=0, time=960))
    path = midi(tmp_path / "piece.mid", *messages)
    render_folder([path], instrument, tmp_path / "grand", hours=0.001, seed=1, piano=True)
    notes = find_recordings([tmp_path / "grand"])[0].notes()
    lasted = notes[:, 1] - notes[:, 0]
    assert lasted[0] == pytest.approx(0.05, abs=1e-5)  # not the seconds that the pedal kept it
    assert 0.5 / 1.15 < lasted[1] < 0.5 / 0.85


@needs_font
def test_a_sound_font_plays_when_and_where_the_table_says() -> None:
    notes = np.array([[0.5, 1.0, 60, 100], [1.5, 2.0, 67, 60]])
    audio = render(notes, SoundFont(FONT, [0]), RANDOM)
    loud = np.flatnonzero(np.abs(audio) > 0.02 * np.abs(audio).max())
    assert loud[0] / RATE == pytest.approx(0.5, abs=0.02)
    for onset, offset, pitch, _ in notes:
        part = audio[int(onset * RATE) : int(offset * RATE)]
        chroma = np.abs(np.fft.rfft(part, 160_000)).argmax() / 10
        assert 12 * np.log2(chroma / 440) % 12 == pytest.approx((pitch - 69) % 12, abs=0.3)


def test_notes_beyond_the_instrument_come_back_by_octaves() -> None:
    notes = np.array([[0, 1, 30, 80], [0, 2, 42, 70], [1, 2, 90, 60], [1.5, 3, 78, 50.0]])
    wish = [[0, 2, 42, 70], [1, 1.5, 78, 60], [1.5, 3, 78, 50]]
    assert folded(notes, 40, 80).tolist() == wish


def test_a_sound_font_without_a_player_is_named_with_the_cure(tmp_path: Path) -> None:
    (tmp_path / "x.sf2").write_text("no sound font")
    with pytest.raises(NotewireError, match=r"x\.sf2"):
        render(np.array([[0, 1, 60, 80.0]]), SoundFont(tmp_path / "x.sf2", [0]), RANDOM)
