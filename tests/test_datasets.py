"""Data sets in their published layouts, made here in miniature, and all of them in one layout."""

from __future__ import annotations

import json
from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile
import torch
from test_cli import assert_mistake, notewire
from test_recordings import audio, table

from notewire.models.network import OUTPUTS, Said
from notewire.streaming.contracts import NotewireError
from notewire.training.labels import read_notes
from notewire.training.loss import losses
from notewire.training.prepare import convert, holdings
from notewire.training.recordings import Recording, find_recordings


def maestro(root: Path) -> None:
    for year in ("2004", "2006"):
        audio(root / year / f"{year}_A.wav")
        track = mido.MidiTrack([mido.Message("note_on", note=64, velocity=70, time=0)])
        track.append(mido.Message("control_change", control=64, value=127, time=100))
        track.append(mido.Message("note_off", note=64, time=380))
        track.append(mido.Message("control_change", control=64, value=0, time=480))
        mido.MidiFile(tracks=[track], ticks_per_beat=480).save(root / year / f"{year}_A.midi")
    heading = "canonical_composer,canonical_title,split,year,midi_filename,audio_filename,duration"
    rows = [f"Liszt,Sonata,train,{y},{y}/{y}_A.midi,{y}/{y}_A.wav,0.1" for y in (2004, 2006)]
    (root / "maestro-v3.0.0.csv").write_text("\n".join([heading, *rows]))


def musicnet(root: Path) -> None:
    audio(root / "train_data" / "1727.wav")
    heading = "start_time,end_time,instrument,note,start_beat,end_beat,note_value"
    table(root / "train_labels" / "1727.csv", f"{heading}\n44100,88200,41,69,0.0,1.0,Quarter\n")
    heading = "id,composer,composition,movement,ensemble"
    table(root / "musicnet_metadata.csv", f"{heading}\n1727,Schubert,Quintet,2. Andante,Piano\n")


def guitarset(root: Path) -> None:
    audio(root / "audio_mono-mic" / "00_BN1-129-Eb_comp_mic.wav")
    note = {"time": 0.5, "duration": 0.25, "value": 60.1, "confidence": None}
    strings = [
        {"namespace": "pitch_contour", "data": [note]},
        {"namespace": "note_midi", "data": [note | {"time": 1.0}]},
        {"namespace": "note_midi", "data": [note]},
    ]
    table(root / "annotation" / "00_BN1-129-Eb_comp.jams", json.dumps({"annotations": strings}))


def test_maestro_tells_keys_and_pedal_and_is_known_by_its_work(tmp_path: Path) -> None:
    maestro(tmp_path)
    found = find_recordings([tmp_path])
    assert [r.title for r in found] == ["Liszt Sonata", "Liszt Sonata"]
    assert found[0].notes().tolist() == [[0.0, 0.5, 64, 70]]
    pedals = found[0].pedals()
    assert pedals is not None
    assert pedals[:, 1].tolist() == [1.0]


def test_musicnet_counts_samples_and_has_no_velocities(tmp_path: Path) -> None:
    musicnet(tmp_path)
    (found,) = find_recordings([tmp_path])
    assert (found.title, found.instrument) == ("Schubert Quintet 2. Andante", "musicnet-1727")
    assert found.notes().tolist() == [[1.0, 2.0, 69, 0]]


def test_guitarset_has_six_strings_in_one_table(tmp_path: Path) -> None:
    guitarset(tmp_path)
    (found,) = find_recordings([tmp_path])
    assert (found.title, found.instrument) == ("BN1-129-Eb", "guitarset-00")
    assert found.notes().tolist() == [[0.5, 0.75, 60, 0], [1.0, 1.25, 60, 0]]


def test_a_midi_file_beside_a_take_is_its_notes(tmp_path: Path) -> None:
    maestro(tmp_path)
    (tmp_path / "2004" / "2004_A.midi").rename(tmp_path / "2004" / "2004_A.mid")
    (found,) = find_recordings([tmp_path / "2004"])
    assert len(found.notes()) == 1


@pytest.mark.parametrize("name", ["a.tsv", "a.csv", "a.jams", "a.mid"])
def test_a_label_file_that_is_none_is_named(tmp_path: Path, name: str) -> None:
    table(tmp_path / name, "this is no table")
    with pytest.raises(NotewireError, match=name.replace(".", r"\.")):
        read_notes(tmp_path / name)


def everything(root: Path) -> list[Recording]:
    for name, make in (("maestro", maestro), ("musicnet", musicnet), ("guitarset", guitarset)):
        (root / name).mkdir()
        make(root / name)
    audio(root / "MAPS_MUS-alb_se3_ENSTDkCl.flac")
    table(root / "MAPS_MUS-alb_se3_ENSTDkCl.tsv")
    return find_recordings([root])


def test_one_layout_keeps_titles_instruments_and_notes(tmp_path: Path) -> None:
    there = everything(tmp_path)
    out = tmp_path / "out"
    assert len(list(convert(there, out, 8_000))) == 5
    assert not list(convert(there, out, 8_000))
    again = find_recordings([out])
    assert len({r.title for r in again}) == 4
    assert [r.title for r in again if r.instrument.startswith("ENSTDk")] == ["alb-se3"]
    assert sorted(r.notes().tolist() for r in again) == sorted(r.notes().tolist() for r in there)
    assert {soundfile.info(r.audio).samplerate for r in again} == {8_000}


def test_what_there_is_is_counted(tmp_path: Path) -> None:
    held = holdings(everything(tmp_path))
    assert list(held) == ["ENSTDkCl", "guitarset", "maestro-piano", "musicnet"]
    assert (held["maestro-piano"].recordings, held["maestro-piano"].titles) == (2, 1)
    assert held["musicnet"].hours == pytest.approx(0.1 / 3600)


def test_at_the_command_line(tmp_path: Path) -> None:
    everything(tmp_path)
    out = tmp_path / "new" / "out"
    done = notewire("data", tmp_path, "-o", out)
    assert done.returncode == 0, done.stderr
    assert "maestro-piano" in done.stdout
    assert "5 recordings written, 0 were there" in " ".join(done.stdout.split())
    assert_mistake(notewire("data", tmp_path / "new" / "nothing"), "no such file or folder")


def test_a_velocity_that_is_not_known_teaches_nothing() -> None:
    wish = torch.zeros(1, 3, 1, len(OUTPUTS), 88)
    wish[0, 1, 0, OUTPUTS.index("onset"), 40] = 1
    said = torch.zeros_like(wish)
    assert losses(Said(said, None), Said(wish, None), 0)["velocity"] == 0
    wish[0, 1, 0, OUTPUTS.index("velocity"), 40] = 1
    loss = losses(Said(said, None), Said(wish, None), 0)["velocity"]
    assert loss == pytest.approx(20 * np.square(0.5))
