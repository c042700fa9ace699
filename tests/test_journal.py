"""No take is lost: what a killed program had heard is a file after the next start."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import mido
import pytest
from test_cli import NOTEWIRE, midi_notes

from notewire.bridge.midi_file import MidiFile
from notewire.daemon.sources import DEMO
from notewire.streaming.contracts import NoteOff, NoteOn

RATE = 16_000
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the dead hold no locks there")


def abandoned(path: Path, after: bytes = b"") -> None:
    """A take whose program died in the middle of it, or of a line."""
    program = f"""
import os
from pathlib import Path
from notewire.bridge.midi_file import MidiFile
from notewire.streaming.contracts import NoteOff, NoteOn
take = MidiFile({str(path)!r}, 16000)
take.send(NoteOn(1, 60, 80, 1600, 3200))
take.send(NoteOff(1, 60, 4800, 6400))
take.send(NoteOn(2, 64, 80, 8000, 9600))
next(Path({str(path.parent)!r}).glob(".*.notes")).open("ab").write({after!r})
os._exit(9)
"""
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 9


def test_the_next_take_saves_the_one_that_was_cut_off(tmp_path: Path) -> None:
    take = tmp_path / "take.mid"
    abandoned(take)
    abandoned(take, after=b'{"type":"note_on","id":3,"pi')
    MidiFile(take, RATE).close()
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "take-saved-1.mid",
        "take-saved-2.mid",
        "take.mid",
    ]
    for number in (1, 2):
        notes = midi_notes(tmp_path / f"take-saved-{number}.mid")
        assert notes[:, 2].tolist() == [60, 64]
        assert notes[0, :2].tolist() == pytest.approx([0.1, 0.3], abs=0.001)


def test_a_take_that_cannot_be_saved_yet_is_kept_and_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = tmp_path / "take[1].mid"
    abandoned(take)
    with monkeypatch.context() as full:
        full.setattr(os, "fsync", _no_room)
        MidiFile(take, RATE)
    assert not list(tmp_path.glob("[!.]*"))
    MidiFile(take, RATE).close()
    assert (tmp_path / "take[1]-saved-1.mid").exists()


def _no_room(_: int) -> None:
    raise OSError(28, "No space left on device")


def test_a_take_that_another_program_records_is_left_alone(tmp_path: Path) -> None:
    take = tmp_path / "take.mid"
    first = MidiFile(take, RATE)
    first.send(NoteOn(1, 60, 80, 0, 0))
    program = f"from notewire.bridge.midi_file import MidiFile; MidiFile({str(take)!r}, 1).close()"
    subprocess.run([sys.executable, "-c", program], check=True)
    first.send(NoteOff(1, 60, 1600, 3200))
    first.close()
    assert [p.name for p in tmp_path.iterdir()] == ["take.mid"]
    assert midi_notes(take)[:, 2].tolist() == [60]


def test_a_journal_that_cannot_be_written_costs_nothing(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 200)  # a journal's name in it is longer than names may be
    take = MidiFile(folder / ("y" * 245 + ".mid"), RATE)
    take.send(NoteOn(1, 60, 80, 0, 0))
    take.path = folder / "short.mid"
    take.close()
    assert mido.MidiFile(folder / "short.mid").tracks


def test_a_killed_engine_s_take_is_saved(tmp_path: Path) -> None:
    take = tmp_path / "take.mid"
    command = [*NOTEWIRE, "run", "--file", str(DEMO), "--no-midi", "--no-bus"]
    command += ["--midi-file", str(take)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=dict(os.environ)) as running:
        assert running.stdout
        for _ in range(10):
            running.stdout.readline()
        running.kill()
    assert not take.exists()
    MidiFile(take, RATE).close()
    # the take listens longer than the live notes that were waited for
    assert len(midi_notes(tmp_path / "take-saved-1.mid")) >= 8
