"""A DAW's clock: its beats, through jitter, jumps and stops, and the bars of a take."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import mido
import numpy as np
import pytest
import rtmidi._rtmidi as rtmidi
from hypothesis import given
from hypothesis import strategies as st
from jack_server import jack_ports, jack_server
from test_cli import NOTEWIRE, clip, midi_notes
from test_live_jack import ended, wait_for
from test_midi_file import timed

from notewire.bridge.midi_clock import CLOCK, CONTINUE, START, STOP, Beat, SongClock
from notewire.bridge.midi_file import MidiFile
from notewire.bridge.wire import TempoMessage
from notewire.bridge.zeromq import subscribe
from notewire.daemon.sources import DEMO
from notewire.streaming.contracts import NoteOff, NoteOn
from notewire.streaming.tempo import TempoMap

RATE = 16_000
SECONDS = 16.0  # of the demo
PORT = "Notewire Clock:In"
AGAIN = 48  # clocks


def beats(messages: list[tuple[float, bytes]]) -> list[Beat]:
    clock = SongClock()
    return [beat for when, message in messages if (beat := clock.hear(when, message))]


def ticking(bpm: float, clocks: int, begin: float = 0.0) -> list[tuple[float, bytes]]:
    return [(begin + i * 60 / bpm / 24, CLOCK) for i in range(clocks)]


def test_a_song_from_its_beginning() -> None:
    told = beats([(0.0, START), *ticking(120, 73), (1.6, STOP)])
    assert [b.beat for b in told] == pytest.approx([0, 1, 2, 3, 73 / 24])
    assert [b.running for b in told] == [True, True, True, True, False]
    assert [b.when for b in told[:4]] == pytest.approx([0, 0.5, 1.0, 1.5])
    assert told[2].bpm == pytest.approx(120)


def test_clocks_without_a_song_tell_the_tempo_only() -> None:
    assert beats(ticking(120, 100)) == []
    told = beats([*ticking(90, 49), (1.34, START), *ticking(90, 1, 49 * 60 / 90 / 24)])
    assert told[0].beat == 0
    assert told[0].bpm == pytest.approx(90)


def test_a_song_from_its_middle() -> None:
    told = beats([(0.0, b"\xf2\x10\x01"), (0.0, CONTINUE), *ticking(100, 30)])
    assert [b.beat for b in told] == [(16 + 128) / 4, (16 + 128) / 4 + 1]


def test_the_jitter_of_a_period_is_smoothed() -> None:
    period = 256 / 48_000
    exact = ticking(100, 24 * 16)
    rough = [(float(np.ceil(when / period) * period), message) for when, message in exact]
    told = beats([(0.0, START), *rough])[2:]
    late = [b.when - b.beat * 0.6 for b in told]
    assert np.ptp(late) < period / 2
    assert [b.bpm for b in told] == pytest.approx([100] * len(told), rel=0.005)


def test_the_file_lies_on_the_bars_of_the_song(tmp_path: Path) -> None:
    """The song begins 1.3 s into the take, at 90 and then at 120 beats a minute."""
    turn = 1.3 + 8 * 60 / 90
    begins = [1.3 + i * 60 / 90 for i in range(9)] + [turn + i / 2 for i in range(1, 9)]
    seconds, tempo = [0.2, *begins, begins[-1] + 1.0], TempoMap()
    for number, begin in enumerate(begins):
        tempo.add(round(begin * RATE), number)
    sink = MidiFile(tmp_path / "take.mid", RATE, tempo)
    for number, second in enumerate(seconds, 1):
        onset = round(second * RATE)
        sink.send(NoteOn(number, 60, 80, onset, onset))
        sink.send(NoteOff(number, 60, onset + 100, onset + 100))
    sink.close()
    midi, now, ons = mido.MidiFile(sink.path), 0, []
    for message in midi.tracks[1]:
        now += message.time
        if message.type == "note_on":
            ons.append(now / midi.ticks_per_beat)
    assert ons[1:18] == pytest.approx(range(4, 21), abs=1e-3)  # a bar before the song's first
    assert ons[18] == pytest.approx(22, abs=1e-3)
    read = [when for when, kind, *_ in timed(midi) if kind == "note_on"]
    before = read[1] - 1.3  # the bar before it is longer than what was played in it
    assert [when - before for when in read] == pytest.approx(seconds, abs=2e-3)


@given(st.lists(st.tuples(st.integers(0, 5 * RATE), st.integers(0, 64)), max_size=40))
def test_beats_of_a_take_never_run_backwards(jumps: list[tuple[int, int]]) -> None:
    tempo, now = TempoMap(), 0
    for gap, song in jumps:
        now += gap
        tempo.add(now, float(song))
    assert all(np.diff(tempo.beats) > 0)
    if tempo:
        at = [tempo.beat(sample) for sample in range(0, now + RATE, RATE // 3)]
        assert all(np.diff(at) > 0)


def test_a_song_that_begins_anew_goes_on_at_a_bar() -> None:
    tempo = TempoMap()
    for sample, song in [(0, 0), (10, 1), (20, 2), (47, 0), (57, 1)]:
        tempo.add(sample, song)
    assert tempo.beats == [0, 1, 2, 8, 9]


def test_a_pause_is_no_beat_of_minutes() -> None:
    tempo, beat = TempoMap(), RATE // 2
    for number in range(8):
        tempo.add(number * beat, number)
    later = 7 * beat + 300 * RATE  # stopped there, and went on
    for number in range(8, 16):
        tempo.add(later + (number - 7) * beat, number)
    assert max(tempo.samples_a_beat(i) for i in range(1, 16)) < 1.01 * beat
    assert tempo.beat(100 * RATE) == pytest.approx(200, rel=0.01)
    assert tempo.beats[8] % 4 == 0


@contextmanager
def conducted(bpm: float) -> Iterator[threading.Event]:
    """A DAW's clock comes; set the event when it is heard."""
    heard, gone = threading.Event(), threading.Event()
    conductor = threading.Thread(target=conduct, args=(bpm, heard, gone))
    conductor.start()
    try:
        yield heard
    finally:
        gone.set()
        conductor.join()


def conduct(bpm: float, heard: threading.Event, gone: threading.Event) -> None:
    """What a DAW sends to our port; the song begins anew until we are heard.

    JACK drops what is sent before it has made the connection, and in periods that came too late.
    """
    out = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, name="daw")
    out.open_port(out.get_ports().index(PORT), "clock")
    begun, clocks = time.monotonic(), 0
    while not gone.is_set():
        if clocks % AGAIN == 0 and not heard.is_set():
            out.send_message(list(START))
        out.send_message(list(CLOCK))
        clocks += 1
        time.sleep(max(0.0, begun + clocks * 60 / bpm / 24 - time.monotonic()))
    out.close_port()
    out.delete()


@pytest.mark.skipif(sys.platform != "linux", reason="JACK's dummy driver")
def test_a_take_follows_a_clock_that_comes_over_jack(tmp_path: Path) -> None:
    bpm, take, bus = 100.0, tmp_path / "take.mid", f"ipc://{tmp_path}/bus"
    music = clip(tmp_path / "clip.wav", SECONDS)
    command = [*NOTEWIRE, "run", "--file", str(music), "--midi-file", str(take), "--address", bus]
    command += ["--set", "midi.backend=jack", "--set", "midi.clock=virtual", "--view", "off"]
    with jack_server(), ended(subprocess.Popen(command)) as running:
        wait_for("the clock's port", lambda: PORT in jack_ports())
        with conducted(bpm) as heard:
            with subscribe(bus, "tempo", timeout=20) as told:
                next(told)
                heard.set()
                last = [said.body for said, _ in zip(told, range(8), strict=False)][-1]
            assert running.wait(60) == 0
    assert isinstance(last, TempoMessage)
    assert last.running
    assert last.bpm == pytest.approx(bpm, rel=0.05)
    tempi = [m.tempo for m in mido.MidiFile(take).tracks[0] if m.type == "set_tempo"]
    assert len(tempi) > 10
    assert 60e6 / np.median(tempi) == pytest.approx(bpm, rel=0.02)
    played, taken = midi_notes(DEMO.with_suffix(".mid")), midi_notes(take)
    played = played[played[:, 0] < SECONDS]
    assert np.ptp(taken[:, 0]) == pytest.approx(np.ptp(played[:, 0]), rel=0.02)  # in seconds still
