"""A real DAW records what the daemon hears: Ardour, without a screen, on a JACK server.

Every note leaves equally late (``midi.latency_ms``), so that Ardour's own MIDI file must show the
onsets of the event log, moved by one number.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import jack
import numpy as np
import pytest
from jack_server import jack_server
from test_cli import midi_notes
from test_live_jack import NOTES, listening, needs_synth, play, slow_piece, synth, wait_for

SCRIPT = Path(__file__).with_name("ardour.lua")
LATE_MS = 150.0
PATIENCE = 90.0  # seconds; a DAW that starts on a busy machine takes its time

needs_ardour = pytest.mark.skipif(
    not shutil.which("ardour7-lua"), reason="ardour is not installed (apt install ardour)"
)


@contextmanager
def recording(session: Path, home: Path) -> Iterator[None]:
    """Ardour, recording the daemon's port."""
    output = home / "ardour.log"
    environment = {**os.environ, "HOME": str(home)}  # where Ardour keeps its settings
    command = ["ardour7-lua", str(SCRIPT), str(session), NOTES]
    with output.open("w") as log:
        ardour = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        try:
            wait_for("Ardour", lambda: "\nrolling" in output.read_text(), PATIENCE)
            yield
            (session / "stop").touch()
            ardour.wait(30)
        finally:
            ardour.kill()
            ardour.wait()
            print(output.read_text())  # shown where the test fails


def logged(log: Path) -> np.ndarray:
    """(n, 4) as ``midi_notes`` has it, of the event log."""
    events = [json.loads(line) for line in log.read_text().splitlines()]
    ends = {event["id"]: event["offset"] for event in events if event["type"] == "note_off"}
    begun = [event for event in events if event["type"] == "note_on"]
    return np.array([(e["onset"], ends[e["id"]], e["pitch"], e["velocity"]) for e in begun])


@needs_synth
@needs_ardour
def test_a_daw_records_what_the_daemon_hears(tmp_path: Path) -> None:
    piece, log, session = tmp_path / "piece.mid", tmp_path / "log.jsonl", tmp_path / "session"
    slow_piece(piece)
    with jack_server(patient=True):
        client, late = jack.Client("pianist"), ["--set", f"midi.latency_ms={LATE_MS}"]
        # the pianist leaves before the synth is killed: this JACK waits long for the dead
        with synth(client), closing(client), listening(client, log, late) as running:
            with recording(session, tmp_path):
                play(client, piece)
                time.sleep(1.0)
            running.send_signal(signal.SIGINT)
            assert running.wait(15) == 0
    (take,) = session.glob("interchange/*/midifiles/*.mid")
    recorded, heard = midi_notes(take), logged(log)
    recorded, heard = (notes[np.lexsort(notes.T[[0, 2]])] for notes in (recorded, heard))
    assert len(heard) > 30
    np.testing.assert_array_equal(recorded[:, 2:], heard[:, 2:])  # pitches and velocities
    moved = recorded[:, 0] - heard[:, 0]
    usual = np.ptp(np.percentile(moved, [10, 90]))
    print(f"{len(moved)} notes, their onsets within {1000 * np.ptp(moved):.1f} ms of each other,")
    print(f"eight of ten within {1000 * usual:.1f} ms")
    assert usual < 0.02  # JACK's own period is 5 ms; a busy machine adds to it
    assert np.ptp(moved) < 0.1
