"""A panic that comes over MIDI ends what sounds, once, and nothing else is taken for one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import jack
import pytest
import rtmidi._rtmidi as rtmidi
from jack_server import jack_ports, jack_server
from test_cli import NOTEWIRE, clip
from test_live_jack import MidiRecorder, by_system, ended, wait_for

from notewire.bridge.midi_clock import CLOCK, START
from notewire.bridge.panic_button import DEAF_S, PanicButton, is_panic

SECONDS = 16.0  # of the demo
PORT, NOTES = "Notewire Control:In", "Notewire:Notes"
ALL_NOTES_OFF = bytes([0xB0, 123, 0])


@pytest.mark.parametrize("message", [b"\xb0\x7b\x00", b"\xbf\x78\x00"])
def test_what_is_a_panic(message: bytes) -> None:
    assert is_panic(message)


@pytest.mark.parametrize(
    "message", [b"", CLOCK, START, b"\x90\x7b\x40", b"\xb0\x40\x7f", b"\xb0\x7b"]
)
def test_what_is_none(message: bytes) -> None:
    assert not is_panic(message)


def test_all_channels_at_once_and_an_echo_are_one_panic() -> None:
    pressed: list[int] = []
    button = PanicButton(lambda: pressed.append(1))
    for channel in range(16):
        button.hear(5.0 + channel / 1000, bytes([0xB0 | channel, 123, 0]))
    button.hear(5.0 + DEAF_S / 2, ALL_NOTES_OFF)
    assert len(pressed) == 1
    button.hear(5.0 + 2 * DEAF_S, ALL_NOTES_OFF)
    assert len(pressed) == 2


@pytest.mark.skipif(sys.platform != "linux", reason="JACK's dummy driver")
def test_over_jack_it_silences_the_instrument_and_notes_come_again(tmp_path: Path) -> None:
    music, log = clip(tmp_path / "clip.wav", SECONDS), tmp_path / "log"
    command = [*NOTEWIRE, "run", "--file", str(music), "--no-bus", "--view", "off"]
    command += ["--set", "midi.backend=jack", "--set", "midi.control=virtual"]
    with jack_server(), log.open("w") as words:
        recorder = MidiRecorder(by_system)
        with ended(subprocess.Popen(command, stderr=words)) as running:
            wait_for("both ports", lambda: {PORT, NOTES} <= set(jack_ports()))
            recorder.client.connect(NOTES, recorder.port)
            wait_for("notes", lambda: len(recorder.messages) > 10)
            with pedal(recorder.client) as out:
                wait_for("silence", lambda: pressed(out) and ALL_NOTES_OFF in heard(recorder))
            before, late = len(heard(recorder)), recorder.late
            assert running.wait(60) == 0
        messages = heard(recorder)
        recorder.client.close()
    panic = messages.index(ALL_NOTES_OFF)
    assert len(hanging(messages[:panic])) <= late
    assert any(message[0] == 0x90 for message in messages[before:])
    assert "panic by MIDI" in log.read_text()


@contextmanager
def pedal(client: jack.Client) -> Iterator[rtmidi.MidiOut]:
    """Something with a panic button, connected to our port."""
    out = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, name="pedal")
    out.open_port(out.get_ports().index(PORT), "out")
    port = client.get_port_by_name("pedal:out")
    wait_for("the connection", lambda: client.get_all_connections(port))
    yield out
    out.close_port()
    out.delete()


def pressed(out: rtmidi.MidiOut) -> bool:
    """Again and again, as people do; JACK drops what is sent in a period that came too late."""
    out.send_message(list(ALL_NOTES_OFF))
    return True


def heard(recorder: MidiRecorder) -> list[bytes]:
    return [data for _, data in recorder.messages]


def hanging(messages: list[bytes]) -> set[int]:
    sounding: set[int] = set()
    for status, pitch, *_ in messages:
        if status == 0x90:
            sounding.add(pitch)
        elif status == 0x80:
            sounding.discard(pitch)
    return sounding
