"""From a list of repositories to a folder to train on, with real repositories of git."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile
import yaml
from test_cli import assert_mistake, notewire
from test_render import FONT, midi, needs_font

from notewire.streaming.contracts import NotewireError
from notewire.training.gather import Sources, _copy, gather
from notewire.training.recordings import find_recordings

ME = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
RENDER = {"instrument": "samples/grand", "midi": "midi", "to": "rendered/grand"}
LIST = {
    "copies": [
        {
            "repository": "some/grand",
            "files": r"Samples/g_(?P<layer>[fp])_(?P<midi>\d+)\.wav",
            "to": "samples/grand/{layer} {note}.wav",
        },
        {
            "repository": "some/notes",
            "files": r"(?P<name>.*\.mid)",
            "leave": "score",
            "to": "midi/{name}",
        },
    ],
    "renders": [RENDER | {"hours": 0.001, "seed": 1, "layers": ["P", "F"]}],
}


def commit(folder: Path) -> None:
    for command in (["init", "-q"], ["add", "."], [*ME, "commit", "-qm", "all"]):
        subprocess.run(["git", "-C", folder, *command], check=True)


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """The list, and two repositories on disk that it speaks of."""
    grand, notes = tmp_path / "some" / "grand", tmp_path / "some" / "notes"
    (grand / "Samples").mkdir(parents=True)
    for layer in "fp":
        tone = np.sin(np.arange(16_000) * 0.17)
        soundfile.write(grand / "Samples" / f"g_{layer}_069.wav", tone, 16_000)
    (notes / "Bach" / "Fugue").mkdir(parents=True)
    on, off = (mido.Message(kind, note=69, time=480) for kind in ("note_on", "note_off"))
    for name in ("played", "score"):
        midi(notes / "Bach" / "Fugue" / f"{name}.mid", on, off)
    commit(grand)
    commit(notes)
    path = tmp_path / "sources.yaml"
    path.write_text(yaml.safe_dump({"url": f"{tmp_path}/{{}}"} | LIST))
    return path


def test_a_list_becomes_a_folder_to_train_on(sources: Path, tmp_path: Path) -> None:
    out = tmp_path / "data"
    done = notewire("gather", sources, "-o", out)
    assert done.returncode == 0, done.stderr
    assert sorted(p.name for p in (out / "samples/grand").iterdir()) == ["f A4.wav", "p A4.wav"]
    assert [p.name for p in (out / "midi").iterdir()] == ["Bach__Fugue__played.mid"]
    assert {r.title for r in find_recordings([out / "rendered"])} == {"Bach__Fugue__played"}


def test_what_is_there_already_stays(sources: Path, tmp_path: Path) -> None:
    listed = Sources.model_validate(yaml.safe_load(sources.read_text()))
    gather(listed, tmp_path / "data")
    files = {p: p.stat().st_mtime_ns for p in (tmp_path / "data").rglob("*.*")}
    gather(listed, tmp_path / "data")
    assert {p: p.stat().st_mtime_ns for p in (tmp_path / "data").rglob("*.*")} == files


def test_a_repository_that_is_gone_or_has_changed_is_named(sources: Path, tmp_path: Path) -> None:
    text = sources.read_text()
    sources.write_text(text.replace("some/grand", "some/lost"))
    assert_mistake(notewire("gather", sources, "-o", tmp_path / "a"), "some/lost: cannot be cloned")
    sources.write_text(text.replace("Samples/", "Sounds/"))
    assert_mistake(notewire("gather", sources, "-o", tmp_path / "b"), "some/grand: no file matches")


@pytest.mark.parametrize("name", ["sources", "sources-open", "sources-instruments"])
def test_the_shipped_lists_are_such(name: str) -> None:
    path = Path(__file__).parent.parent / "training" / f"{name}.yaml"
    listed = Sources.model_validate(yaml.safe_load(path.read_text()))
    sampled = {job.instrument.name for job in listed.renders if not job.instrument.is_absolute()}
    assert sampled <= {Path(copy.to).parent.name for copy in listed.copies}


def test_the_pedals_of_maps_are_found_by_its_titles(tmp_path: Path) -> None:
    path = Path(__file__).parent.parent / "training" / "sources.yaml"
    listed = Sources.model_validate(yaml.safe_load(path.read_text()))
    (copy,) = (each for each in listed.copies if each.to.startswith("played/"))
    clone = tmp_path / "clone"
    midi(clone / "midis" / "Albeniz" / "alb_esp1.mid")
    _copy(clone, copy, tmp_path)
    assert (tmp_path / "played" / "alb_esp1.mid").exists()


def test_pedals_of_nothing_that_was_played_are_a_mistake(tmp_path: Path) -> None:
    midi(tmp_path / "midi" / "song.mid")
    recording = tmp_path / "own" / "other_grand.wav"
    recording.parent.mkdir()
    soundfile.write(recording, np.zeros(100), 16_000)
    recording.with_suffix(".tsv").write_text("0.1 0.2 60 80\n")
    job = {"midi": "midi", "recordings": "own"}
    with pytest.raises(NotewireError, match="midi: plays none of the titles in"):
        gather(Sources.model_validate({"copies": [], "renders": [], "pedals": [job]}), tmp_path)


def test_another_program_may_write_the_notes_of_recordings(tmp_path: Path) -> None:
    recording, score = tmp_path / "real" / "song_grand.wav", tmp_path / "score.mid"
    on, off = (mido.Message(kind, note=69, time=480) for kind in ("note_on", "note_off"))
    recording.parent.mkdir()
    soundfile.write(recording, np.zeros(100), 16_000)
    midi(score, on, off)
    copy = [sys.executable, "-c", "import shutil, sys; shutil.copy(*sys.argv[1:])"]
    heard = {"recordings": "real", "command": [*copy, str(score), "{notes}"]}
    listed = {"copies": [], "renders": [], "heard": [heard]}
    gather(Sources.model_validate(listed), tmp_path)
    score.unlink()  # what is there already stays
    gather(Sources.model_validate(listed), tmp_path)
    (found,) = find_recordings([tmp_path / "real"])
    assert found.notes()[:, 2].tolist() == [69]
    recording.with_suffix(".mid").unlink()
    with pytest.raises(NotewireError, match=r"song_grand\.wav: its notes cannot be written"):
        gather(Sources.model_validate(listed), tmp_path)


@needs_font
def test_a_sound_font_may_play_one_track(sources: Path, tmp_path: Path) -> None:
    font = {"instrument": str(FONT), "to": "rendered/font", "programs": [24], "keys": [40, 60]}
    played = RENDER | font | {"hours": 0.001, "seed": 1, "track": ""}
    listed = yaml.safe_load(sources.read_text())
    gather(Sources.model_validate(listed | {"renders": [played]}), tmp_path / "data")
    found = find_recordings([tmp_path / "data" / "rendered" / "font"])
    assert all(40 <= pitch <= 60 for each in found for pitch in each.notes()[:, 2])
    melody = played | {"to": "rendered/none", "track": "MELODY"}
    with pytest.raises(NotewireError, match="no MIDI file with notes"):
        gather(Sources.model_validate(listed | {"renders": [melody]}), tmp_path / "data")
