"""The keeper of the MIDI port: nothing is left sounding, whatever becomes of the engine."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import jack
import numpy as np
import pytest
from jack_server import RATE, jack_server
from punctuality import SPARE_S, across
from test_midi_port import SILENCE, ListOutput

from notewire.bridge.kept_output import HUNG_S, KeptOutput
from notewire.bridge.midi_keeper import PULSE, STALL_S, WHEN, Answers, Keeper, _pass_on
from notewire.bridge.midi_port import MidiPort
from notewire.bridge.punctual import PunctualPort
from notewire.streaming.contracts import NoteOff, NoteOn, NotewireError

ON, OFF = [0x90, 60, 80], [0x80, 60, 64]


@contextmanager
def keeping() -> Iterator[tuple[Connection, ListOutput]]:
    """The engine's end of the pipe, and what the keeper at the other end sends."""
    output = ListOutput()
    ours, theirs = multiprocessing.Pipe()
    thread = threading.Thread(target=_pass_on, args=(theirs, Keeper(output), Answers(theirs)))
    thread.start()
    try:
        yield ours, output
    finally:
        ours.close()
        thread.join(5)
        assert not thread.is_alive()


def wait_until(ready: object, seconds: float = 5.0) -> None:
    assert callable(ready)
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_keeper_knows_what_sounds() -> None:
    output = ListOutput()
    keeper = Keeper(output)
    for message in (ON, OFF, OFF, [0x95, 61, 1], ON):
        keeper.send(message)
    assert output.messages == [ON, OFF, [0x95, 61, 1], ON]
    assert keeper.silence()
    assert output.messages[4:6] == [OFF, [0x85, 61, 64]]
    assert [message for message in output.messages[6:] if message[0] == 0xB0] == SILENCE
    assert not keeper.silence()


def test_an_engine_that_stalls_is_silenced_and_may_go_on() -> None:
    with keeping() as (pipe, output):
        pipe.send_bytes(bytes(ON))
        wait_until(lambda: SILENCE[-1] in output.messages, STALL_S + 0.5)
        assert output.messages[:2] == [ON, OFF]
        pipe.send_bytes(bytes(ON))
        wait_until(lambda: output.messages.count(ON) == 2)


def test_an_engine_whose_pulse_beats_is_left_in_peace() -> None:
    with keeping() as (pipe, output):
        pipe.send_bytes(bytes(ON))
        for _ in range(15):
            time.sleep(STALL_S / 5)
            pipe.send_bytes(PULSE)
            assert pipe.poll(5)
            (when,) = WHEN.unpack(pipe.recv_bytes())
            assert 0 <= time.monotonic() - when < 5
        assert output.messages == [ON]


def at(when: float, message: list[int]) -> bytes:
    return WHEN.pack(when) + bytes(message)


def test_messages_leave_when_their_time_has_come_and_in_order() -> None:
    output, now = ListOutput(), [10.0]
    keeper = Keeper(output, lambda: now[0])
    for data in (at(10.2, OFF), at(10.1, ON), at(10.2, [0x90, 61, 9]), bytes([0x90, 62, 9])):
        keeper.take(data)
    keeper.leave()
    assert output.messages == [[0x90, 62, 9]]
    assert keeper.patience() == pytest.approx(0.1)
    now[0] = 10.2
    keeper.leave()
    assert output.messages[1:] == [ON, OFF, [0x90, 61, 9]]


def test_after_a_panic_nothing_begins_that_was_waiting() -> None:
    output, now = ListOutput(), [10.0]
    keeper = Keeper(output, lambda: now[0])
    keeper.take(at(10.1, ON))
    for message in SILENCE:
        keeper.take(bytes(message))
    now[0] = 11.0
    keeper.leave()
    assert output.messages == SILENCE


class Listener:
    """A JACK client that hears the port."""

    def __init__(self) -> None:
        self.client = jack.Client("listener")
        self.port: Any = self.client.midi_inports.register("in")
        self.messages: list[list[int]] = []
        self.times: list[float] = []
        self.client.set_process_callback(self._process)
        self.client.activate()

    def _process(self, _frames: int) -> None:
        start = self.client.last_frame_time
        for offset, data in self.port.incoming_midi_events():
            self.messages.append(list(bytes(data)))
            self.times.append((start + offset) / RATE)

    def connect(self) -> None:
        wait_until(lambda: self.client.get_ports("Notewire:Notes"), 30.0)
        self.client.connect(self.client.get_ports("Notewire:Notes")[0], self.port)


@pytest.fixture
def listener() -> Iterator[Listener]:
    if sys.platform != "linux":
        pytest.skip("JACK's dummy driver")
    with jack_server():
        heard = Listener()
        yield heard
        heard.client.close()


def test_a_killed_engine_leaves_nothing_sounding(listener: Listener) -> None:
    command = [sys.executable, str(Path(__file__).parent / "doomed_engine.py")]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as engine:
        try:
            listener.connect()
            assert engine.stdin
            engine.stdin.write(b"strike\n")
            engine.stdin.flush()
            wait_until(lambda: ON in listener.messages)
        finally:
            engine.kill()
    killed = time.monotonic()
    wait_until(lambda: OFF in listener.messages)
    print(f"silent {1000 * (time.monotonic() - killed):.0f} ms after SIGKILL")
    assert time.monotonic() - killed < 0.25
    wait_until(lambda: SILENCE[-1] in listener.messages)


def test_a_keeper_that_is_killed_is_replaced(listener: Listener) -> None:
    output = KeptOutput("jack", None)
    port = MidiPort(open_output=lambda *_: output)
    output._process.kill()
    output._process.join()
    output.pulse()
    port.send(NoteOn(1, 60, 80, 0, 0))
    listener.connect()
    port.send(NoteOff(1, 60, 10, 10))
    port.send(NoteOn(2, 60, 80, 20, 20))
    wait_until(lambda: ON in listener.messages)
    port.close()
    wait_until(lambda: listener.messages[-3:] == SILENCE)


def test_what_a_killed_keeper_left_at_an_instrument_is_ended(listener: Listener) -> None:
    output = KeptOutput("jack", "listener:in")
    port = MidiPort(open_output=lambda *_: output)
    port.send(NoteOn(1, 60, 80, 0, 0))
    wait_until(lambda: ON in listener.messages)
    output._process.kill()
    output._process.join()
    port.send(NoteOff(1, 60, 10, 10))
    wait_until(lambda: listener.messages[-3:] == SILENCE)
    port.close()


def test_a_keeper_that_is_stuck_keeps_nobody_waiting(listener: Listener) -> None:
    output = KeptOutput("jack", "listener:in")
    assert output._process.pid
    os.kill(output._process.pid, signal.SIGSTOP)
    begun = time.monotonic()
    with suppress(OSError):
        while time.monotonic() < begun + HUNG_S:
            output.send_message(ON)
    with pytest.raises(OSError, match="does not take"):
        output.send_message(ON)
    output.pulse()
    assert time.monotonic() < begun + HUNG_S
    wait_until(lambda: output.pulse() or not output._process.is_alive())
    listener.messages.clear()
    output.send_message(ON)
    wait_until(lambda: ON in listener.messages)
    output.close_port()


def test_notes_known_sooner_or_later_leave_equally_late(listener: Listener) -> None:
    """But for some that a busy machine delays; punctuality.py measures them all."""
    output = KeptOutput("jack", None)
    port = MidiPort(open_output=lambda *_: output)
    listener.connect()
    begun = time.monotonic()
    punctual = PunctualPort(port, output, 0.2, lambda position: begun + position, RATE)
    draw = random.Random(3)
    onsets = [0.2 + 0.033 * i for i in range(100)]
    for i, onset in enumerate(onsets):
        time.sleep(max(0.0, begun + onset + draw.uniform(0.02, 0.09) - time.monotonic()))
        output.pulse()
        sample = round(onset * RATE)
        punctual.send(NoteOn(i + 1, 20 + i, 80, sample, sample))
    wait_until(lambda: [0x90, 119, 80] in listener.messages)
    assert len(listener.messages) > 95  # JACK loses what it plays while a client is late
    pitches = [pitch for _, pitch, _ in listener.messages]
    delays = listener.times - np.array(onsets)[np.array(pitches) - 20]
    punctual.close()
    assert across(delays, 75) < listener.client.blocksize / RATE + SPARE_S
    assert output.transit
    assert 0 < output.transit < 1


def test_a_port_that_cannot_be_opened_is_an_error_here() -> None:
    with pytest.raises(NotewireError, match="no MIDI port could be opened"):
        KeptOutput("winmm" if sys.platform != "win32" else "alsa", None)
