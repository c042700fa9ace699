"""Takes that begin and end while the music goes on."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from test_cli import NOTEWIRE, midi_notes, notewire
from test_control import Stage, on_stage
from test_journal import abandoned
from test_live_jack import wait_for

from notewire.bridge.commands import Done, Refused, Take
from notewire.bridge.takes import Takes
from notewire.daemon.conductor import Conductor
from notewire.daemon.config import Config
from notewire.daemon.sources import DEMO
from notewire.streaming.contracts import NoteOff, NoteOn
from notewire.streaming.tempo import TempoMap

RATE = 16_000
stage = pytest.fixture(on_stage)


def takes(folder: Path, tempo: TempoMap | None = None) -> Takes:
    return Takes(folder, RATE, tempo, clock=lambda: datetime(2026, 3, 1, 20, 15, 7))


def note(sink: Takes, number: int, second: float, pitch: int = 60) -> None:
    onset = round(second * RATE)
    sink.send(NoteOn(number, pitch, 80, onset, onset))
    sink.send(NoteOff(number, pitch, onset + RATE, onset + RATE))


def test_each_take_is_a_file_and_begins_with_its_own_time(tmp_path: Path) -> None:
    sink = takes(tmp_path)
    note(sink, 1, 0.0)  # no take is on
    first = sink.start(2 * RATE)
    note(sink, 2, 2.5)
    second = sink.start(10 * RATE)  # ends the first
    note(sink, 3, 10.25, 64)
    note(sink, 4, 9.9, 65)  # heard late, of before
    assert sink.stop() == second
    note(sink, 5, 20.0)
    sink.close()
    assert [first.name, second.name] == ["take-20260301-201507.mid", "take-20260301-201507-2.mid"]
    assert midi_notes(first)[:, 0].tolist() == pytest.approx([0.5], abs=1e-3)
    assert midi_notes(second)[:, [0, 2]].tolist() == [
        [0.0, 65],
        [pytest.approx(0.25, abs=1e-3), 64],
    ]
    assert sorted(tmp_path.iterdir()) == sorted([first, second])


def test_what_sounds_at_the_end_of_a_take_ends_in_it(tmp_path: Path) -> None:
    sink = takes(tmp_path)
    file = sink.start(0)
    sink.send(NoteOn(1, 60, 80, 0, RATE))
    assert sink.stop() == file
    assert midi_notes(file)[:, 1].tolist() == pytest.approx([1.0])


def test_a_take_without_notes_leaves_nothing(tmp_path: Path) -> None:
    sink = takes(tmp_path)
    sink.start(0)
    assert sink.stop() is None
    assert sink.stop() is None
    sink.close()
    assert not list(tmp_path.iterdir())


def test_a_take_that_a_crash_cut_off_is_saved_by_the_next_start(tmp_path: Path) -> None:
    abandoned(tmp_path / "take-20200101-000000.mid")
    takes(tmp_path).close()
    (saved,) = tmp_path.iterdir()
    assert saved.name == "take-20200101-000000-saved-1.mid"
    assert midi_notes(saved)[:, 2].tolist() == [60, 64]


def test_a_take_in_the_midst_of_a_song_begins_with_its_bar(tmp_path: Path) -> None:
    tempo = TempoMap()
    for beat in range(40):
        tempo.add(beat * RATE // 2, beat)  # 120 beats a minute
    sink = takes(tmp_path, tempo)
    file = sink.start(round(9.2 * RATE))  # in bar 5, which began at 8 s
    note(sink, 1, 10.0)
    sink.close()
    assert midi_notes(file)[:, 0].tolist() == pytest.approx([2.0], abs=1e-3)


def test_commands_begin_and_end_takes(stage: Stage, tmp_path: Path) -> None:
    assert isinstance(stage.conductor.act(Take(True)), Refused)
    recorder = Takes(tmp_path, RATE)
    conductor = Conductor(stage.engine, stage.bus, Config(), [], recorder=recorder)
    answer = conductor.act(Take(True))
    assert isinstance(answer, Done)
    note(recorder, 1, 0.5)
    assert conductor.act(Take(False)) == answer
    assert [str(path) for path in tmp_path.iterdir()] == [answer.file]


def test_a_run_records_from_its_start_and_takes_orders(tmp_path: Path) -> None:
    import subprocess

    folder, address = tmp_path / "takes", f"ipc://{tmp_path}/bus"
    command = [*NOTEWIRE, "run", "--file", str(DEMO), "--no-midi", "--address", address]
    command += ["--set", f"output.takes={folder}", "--events", str(tmp_path / "log")]
    log = tmp_path / "log"
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as running:
        wait_for("notes", lambda: log.exists() and log.read_text().count("note_on") > 8)
        control = ["--address", f"{address}.control"]
        assert ".mid" in notewire("control", "stop", *control).stdout
        assert ".mid" in notewire("control", "record", *control).stdout
        running.terminate()
        assert running.wait(20) == 0
    files = sorted(folder.iterdir())
    assert len(midi_notes(files[0])) >= 6
    assert all(file.suffix == ".mid" for file in files)
