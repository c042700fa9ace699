"""Recordings are found in the layouts in which their authors publish them."""

from __future__ import annotations

from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile

from notewire.streaming.contracts import NotewireError
from notewire.training.config import TrainConfig
from notewire.training.labels import read_notes
from notewire.training.recordings import find_recordings, held_out
from notewire.training.splits import learnable, split


def audio(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.zeros(1600), 16_000)


def table(path: Path, text: str = "0.5\t1.0\t60\t80\n") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_maps_as_published(tmp_path: Path) -> None:
    folder = tmp_path / "MAPS" / "AkPnBcht" / "MUS"
    audio(folder / "MAPS_MUS-alb_se3_AkPnBcht.wav")
    heading = "OnsetTime\tOffsetTime\tMidiPitch\n"
    table(folder / "MAPS_MUS-alb_se3_AkPnBcht.txt", heading + "0.5\t1.0\t60\n1.5\t2.0\t60\n")
    track = mido.MidiTrack()
    for time, velocity in ((480, 33), (480, 0), (480, 99), (480, 0)):
        track.append(mido.Message("note_on", note=60, velocity=velocity, time=time))
    mido.MidiFile(tracks=[track], ticks_per_beat=480).save(folder / "MAPS_MUS-alb_se3_AkPnBcht.mid")
    (found,) = find_recordings([tmp_path])
    assert (found.title, found.instrument) == ("alb_se3", "AkPnBcht")
    assert found.notes().tolist() == [[0.5, 1.0, 60, 33], [1.5, 2.0, 60, 99]]


def test_the_flac_and_tsv_copy(tmp_path: Path) -> None:
    audio(tmp_path / "flac" / "MAPS_MUS-bk_xmas1_SptkBGCl.flac")
    audio(tmp_path / "flac" / "MAPS_MUS-unlabelled_SptkBGCl.flac")
    table(tmp_path / "tsv" / "matched" / "MAPS_MUS-bk_xmas1_SptkBGCl.tsv", "# a\n0 1 60 9\n")
    (found,) = find_recordings([tmp_path])
    assert found.notes().tolist() == [[0, 1, 60, 9]]


def test_labels_beside_the_audio(tmp_path: Path) -> None:
    audio(tmp_path / "take.wav")
    table(tmp_path / "take.tsv")
    assert find_recordings([tmp_path / "take.wav"])[0].notes().tolist() == [[0.5, 1.0, 60, 80]]


def test_a_bad_table_and_a_missing_folder_are_named(tmp_path: Path) -> None:
    table(tmp_path / "bad.tsv", "one two three four\n")
    with pytest.raises(NotewireError, match=r"bad\.tsv"):
        read_notes(tmp_path / "bad.tsv")
    table(tmp_path / "short.tsv", "0 1 60\n")
    with pytest.raises(NotewireError, match="4 columns, here are 3"):
        read_notes(tmp_path / "short.tsv")
    table(tmp_path / "maps.txt", "OnsetTime OffsetTime MidiPitch\n0 1 60\n")
    with pytest.raises(NotewireError, match=r"maps\.mid: missing"):
        read_notes(tmp_path / "maps.txt")
    with pytest.raises(NotewireError, match="nowhere: no such"):
        find_recordings([tmp_path / "nowhere"])


def test_no_title_is_learnt_from_and_tested_on(tmp_path: Path) -> None:
    for title in "abcdefghijklmnop":
        for instrument in ("AkPnBcht", "SptkBGCl", "ENSTDkCl"):
            if instrument == "ENSTDkCl" and title > "d":
                continue
            audio(tmp_path / f"MAPS_MUS-{title}_{instrument}.flac")
            table(tmp_path / f"MAPS_MUS-{title}_{instrument}.tsv")
    config = TrainConfig(data=[tmp_path], output=tmp_path, cache=tmp_path, held_out_share=0.4)
    learn, held = split(config)
    titles, kept = {r.title for r in learn}, {r.title for r in held}
    assert titles | kept == set("efghijklmnop")
    assert not titles & kept
    assert kept
    assert not any(r.instrument.startswith("ENSTDk") for r in learn + held)
    assert all(held_out(r.title, 0.4) for r in held)
    assert {title for title in "abcdefghijklmnop" if learnable(config)(title)} == titles
