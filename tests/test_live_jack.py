"""The whole road through a real sound system: a synthesiser plays, another program gets the notes.

FluidSynth plays a MIDI file into JACK, ``notewire run`` captures it, and a JACK client of this
process records what comes out of the virtual MIDI port.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jack
import mido
import numpy as np
import pytest
from jack_server import RATE, jack_ports, jack_server, mortal_server
from test_cli import NOTEWIRE, midi_notes

from notewire.daemon.make_demo import write_midi
from notewire.training.scores import score_onsets

SOUNDFONT = Path("/usr/share/sounds/sf2/TimGM6mb.sf2")
NOTES, CAPTURE = "Notewire:Notes", "PortAudio:in_0"
READY_SECONDS = 30.0

needs_synth = pytest.mark.skipif(
    not (shutil.which("fluidsynth") and SOUNDFONT.exists()),
    reason="fluidsynth and timgm6mb-soundfont are not installed",
)


def by_jack(client: jack.Client) -> float:
    """When this period began, in seconds of JACK's own clock."""
    return client.last_frame_time / RATE


def by_system(client: jack.Client) -> float:
    """The same, monotonic clock: JACK's stands still for each period that the machine missed."""
    return time.monotonic() - client.frames_since_cycle_start / RATE


class MidiRecorder:
    """Records a MIDI port; times in seconds of ``clock``.

    ``late``: periods that came too late, in which JACK may lose what is sent.
    """

    def __init__(self, clock: Callable[[jack.Client], float] = by_jack) -> None:
        self._clock = clock
        self.client = jack.Client("recorder")
        self.port: Any = self.client.midi_inports.register("in")
        self.messages: list[tuple[float, bytes]] = []
        self.late, self._before = 0, float("inf")
        self.client.set_process_callback(self._process)
        self.client.activate()

    def _process(self, frames: int) -> None:
        now = time.monotonic()
        self.late += now - self._before > 2 * frames / RATE
        self._before = now
        start = self._clock(self.client)
        for offset, data in self.port.incoming_midi_events():
            self.messages.append((start + offset / RATE, bytes(data)))

    def notes(self) -> np.ndarray:
        """(n, 4) by onset; a note that never ended fails the test."""
        begun: dict[int, tuple[float, int]] = {}
        notes = []
        for time_, (status, pitch, velocity) in self.messages:
            if status == 0x90:
                assert pitch not in begun
                begun[pitch] = (time_, velocity)
            elif status == 0x80:
                onset, loudness = begun.pop(pitch)
                notes.append((onset, time_, pitch, loudness))
        assert not begun, f"left hanging: {begun}"
        return np.array(sorted(notes)).reshape(-1, 4)


def slow_piece(path: Path) -> None:
    """Broken chords and a melody, two notes a second, as a MIDI file."""
    draw = random.Random(4)
    notes = []
    for beat in range(24):
        root = (48, 53, 55, 45)[beat // 6]
        for pitch in {root + (0, 7, 12)[beat % 3], root + draw.choice([16, 19, 24, 28])}:
            notes.append((0.5 * beat, 0.5 * beat + 0.45, pitch, draw.randint(55, 95)))
    write_midi(notes, path)


def wait_for(what: str, ready: object, seconds: float = READY_SECONDS) -> None:
    assert callable(ready)
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline, f"{what} did not come"
        time.sleep(0.05)


@contextmanager
def ended(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@contextmanager
def synth(client: jack.Client) -> Iterator[None]:
    """FluidSynth with its audio outputs open to whoever captures them, and a MIDI input."""
    command = ["fluidsynth", "-si", "-m", "jack", "-a", "jack", "-o", "midi.jack.id=synth"]
    command += ["-o", "audio.jack.id=synth", "-o", "audio.jack.autoconnect=0", "-r", str(RATE)]
    command += ["-g", "0.7", str(SOUNDFONT)]
    silent = subprocess.DEVNULL
    with ended(subprocess.Popen(command, stdout=silent, stderr=silent)):
        wait_for("synth", lambda: client.get_ports("synth:left"))
        yield


@contextmanager
def listening(
    client: jack.Client, log: Path, more: Sequence[str] = ()
) -> Iterator[subprocess.Popen[bytes]]:
    """``notewire run`` on the synthesiser's outputs, its MIDI port there and its sound coming."""
    command = [*NOTEWIRE, "run", "--input", "JACK Audio Connection Kit: synth", "--no-bus"]
    command += ["--events", str(log), "--set", "midi.backend=jack", *more]
    with ended(subprocess.Popen(command, env=dict(os.environ), stdout=subprocess.DEVNULL)) as run:
        wait_for(NOTES, lambda: client.get_ports(NOTES))
        left = client.get_port_by_name("synth:left")
        wait_for("capture", lambda: client.get_all_connections(left))
        time.sleep(1.0)  # the model's first hops
        yield run


def play(client: jack.Client, midi: Path) -> float:
    """Send a MIDI file to the synthesiser; the JACK time of its beginning, seconds."""
    out: Any = client.midi_outports.register("out")
    events = []
    now = 0.0
    for message in mido.MidiFile(midi):
        now += message.time
        if not message.is_meta:
            events.append((now, message.bytes()))
    begin = client.frame_time + RATE // 2

    def process(frames: int) -> None:
        out.clear_buffer()
        start = client.last_frame_time
        while events and begin + events[0][0] * RATE < start + frames:
            when, data = events.pop(0)
            offset = max(0, int(begin + when * RATE) - start)
            out.write_midi_event(min(offset, frames - 1), bytes(data))

    client.set_process_callback(process)
    client.activate()
    client.connect(out, client.get_ports("synth:midi")[0])
    wait_for("the end of the piece", lambda: not events)
    time.sleep(0.5)
    return begin / RATE


@needs_synth
@pytest.mark.skipif(sys.platform != "linux", reason="JACK's dummy driver")
def test_what_a_synth_plays_arrives_as_midi(tmp_path: Path) -> None:
    piece = tmp_path / "piece.mid"
    slow_piece(piece)
    with jack_server():
        client, recorder = jack.Client("pianist"), MidiRecorder()
        try:
            with synth(client), listening(client, tmp_path / "log.jsonl") as running:
                recorder.client.connect(client.get_ports(NOTES)[0], recorder.port)
                begin = play(client, piece)
                running.send_signal(signal.SIGTERM)
                assert running.wait(15) == 0
        finally:
            client.close()
            recorder.client.close()
    heard = recorder.notes()
    heard[:, :2] -= begin
    played = midi_notes(piece)
    # MIDI says a note when it is known, not when it began: the median delay is reported, not scored
    late = np.median([_nearest(played, note) for note in heard])
    heard[:, :2] -= late
    score = score_onsets(played, heard)
    print(f"onset F1 {score.f1:.3f} over {len(played)} notes, {1000 * late:.0f} ms after the key")
    assert score.f1 >= 0.8
    assert 0.02 < late < 0.15


@pytest.mark.skipif(sys.platform != "linux", reason="JACK's dummy driver")
def test_a_server_that_dies_and_returns_is_used_again(tmp_path: Path) -> None:
    """The engine lives on, and captures and has its MIDI port within five seconds of the return."""
    command = [*NOTEWIRE, "run", "--input", "JACK Audio Connection Kit", "--no-bus"]
    command += ["--set", "midi.backend=jack"]
    with mortal_server() as server, (tmp_path / "errors").open("w+") as errors:
        running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors)
        with ended(running):
            wait_for("capture", lambda: {NOTES, CAPTURE} <= set(jack_ports()))
            time.sleep(1.0)
            server.die()
            wait_for("the news", lambda: "input lost" in (tmp_path / "errors").read_text())
            server.revive()
            back = time.monotonic()
            wait_for("the return", lambda: {NOTES, CAPTURE} <= set(jack_ports()))
            print(f"in use again {time.monotonic() - back:.1f} s after the server's return")
            running.send_signal(signal.SIGINT)
            assert running.wait(15) == 0


def _nearest(played: np.ndarray, note: np.ndarray) -> float:
    same = played[played[:, 2] == note[2], 0]
    return min((note[0] - same).tolist(), key=abs, default=0.0) if len(same) else 0.0
