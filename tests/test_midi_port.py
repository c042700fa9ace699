"""What the instrument hears, with a port that is a list and with a real one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest
from hypothesis import given
from jack_server import jack_server
from streams import streams

from notewire.bridge.midi_backends import Backend, Output, list_ports
from notewire.bridge.midi_port import LEAVE_S, MidiPort, Part
from notewire.bridge.touch import touch
from notewire.streaming.contracts import NoteEvent, NoteOff, NoteOn, NotewireError

SILENCE = [[0xB0, 123, 0], [0xB0, 120, 0], [0xB0, 64, 0]]


class ListOutput:
    """A port that keeps what it is sent; opening it gives itself."""

    def __init__(self, works: bool = True) -> None:
        self.messages: list[list[int]] = []
        self.backend: Backend = "alsa"
        self.works, self.closed = works, 0

    def __call__(self, _backend: Backend | None, _port: str | None) -> Output:
        return self

    def send_message(self, message: list[int]) -> None:
        if not self.works:
            raise OSError("unplugged")
        self.messages.append(message)

    def close_port(self) -> None:
        self.closed += 1


def opened(output: ListOutput, channel: int = 1) -> MidiPort:
    return MidiPort(channel, open_output=output, sleep=lambda _seconds: None)


def test_a_note_is_a_note_on_and_a_real_note_off() -> None:
    output = ListOutput()
    port = opened(output, channel=16)
    port.send(NoteOn(1, 60, 80, 0, 100))
    port.send(NoteOff(1, 60, 500, 600))
    assert output.messages == [[0x9F, 60, 80], [0x8F, 60, 64]]


@pytest.mark.parametrize(
    ("curve", "softest", "loudest", "heard"),
    [
        (1.0, 1, 127, [1, 64, 127]),
        (0.5, 1, 127, [1, 90, 127]),
        (2.0, 1, 127, [1, 32, 127]),
        (1.0, 40, 100, [40, 70, 100]),
        (1.0, 80, 80, [80, 80, 80]),
    ],
)
def test_the_touch_can_be_changed(
    curve: float, softest: int, loudest: int, heard: list[int]
) -> None:
    output = ListOutput()
    velocities = touch(curve, softest, loudest)
    port = MidiPort(velocities=velocities, open_output=output, sleep=lambda _seconds: None)
    for number, velocity in enumerate((1, 64, 127)):
        port.send(NoteOn(number, 60 + number, velocity, 0, 0))
    assert [message[2] for message in output.messages] == pytest.approx(heard, abs=1)
    assert min(velocities[1:]) >= 1  # 0 would be a note-off


def test_parts_have_channels_of_their_own() -> None:
    output, parts = ListOutput(), [Part(0, 59, 2), Part(50, 64, 3)]
    port = MidiPort(1, parts=parts, open_output=output, sleep=lambda _seconds: None)
    for number, pitch in enumerate((59, 60, 65), 1):
        port.send(NoteOn(number, pitch, 80, 0, 0))
    assert [message[0] for message in output.messages] == [0x91, 0x92, 0x90]
    port.close()
    ends = [message[0] for message in output.messages[3:] if message[0] < 0xB0]
    assert ends == [0x81, 0x82, 0x80]
    assert [m for m in output.messages if m[1] == 123] == [[0xB0 + c, 123, 0] for c in range(3)]


def test_a_part_on_a_channel_that_is_none_is_refused() -> None:
    with pytest.raises(NotewireError, match="no MIDI channel 17"):
        MidiPort(parts=[Part(0, 127, 17)], open_output=ListOutput())


@given(streams)
def test_on_every_key_ons_and_offs_take_turns(events: list[NoteEvent]) -> None:
    output = ListOutput()
    port = opened(output)
    for event in events:
        port.send(event)
    port.close()
    for pitch in range(60, 64):
        kinds = [message[0] for message in output.messages if message[1] == pitch]
        assert kinds == [0x90, 0x80] * (len(kinds) // 2)
    begun = sum(isinstance(event, NoteOn) for event in events)
    assert sum(message[0] == 0x90 for message in output.messages) == begun
    assert output.messages[-3:] == SILENCE


def test_the_end_of_an_older_note_does_not_end_the_newer() -> None:
    output = ListOutput()
    port = opened(output)
    for event in (NoteOn(1, 60, 80, 0, 0), NoteOn(2, 60, 80, 5, 5), NoteOff(1, 60, 9, 9)):
        port.send(event)
    assert [message[0] for message in output.messages] == [0x90, 0x80, 0x90]


def test_close_silences_waits_and_takes_the_port_away_once() -> None:
    output, waits = ListOutput(), list[float]()
    port = MidiPort(open_output=output, sleep=waits.append)
    port.send(NoteOn(1, 60, 80, 0, 100))
    port.close()
    port.close()
    assert output.messages == [[0x90, 60, 80], [0x80, 60, 64], *SILENCE]
    assert (waits, output.closed) == ([LEAVE_S], 1)


def test_panic_silences_and_the_port_lives_on() -> None:
    output = ListOutput()
    port = opened(output)
    port.send(NoteOn(1, 60, 80, 0, 100))
    port.panic()
    port.send(NoteOff(1, 60, 500, 600))
    port.send(NoteOn(2, 62, 80, 0, 100))
    assert output.messages == [[0x90, 60, 80], [0x80, 60, 64], *SILENCE, [0x90, 62, 80]]


def test_a_port_that_is_broken_is_closed_all_the_same() -> None:
    output = ListOutput()
    port = opened(output)
    output.works = False
    with pytest.raises(OSError, match="unplugged"):
        port.close()
    port.close()
    assert output.closed == 1


def test_after_close_nothing_can_be_sent() -> None:
    port = opened(ListOutput())
    port.close()
    with pytest.raises(ValueError, match="closed"):
        port.send(NoteOn(1, 60, 80, 0, 100))


@pytest.mark.parametrize("channel", [0, 17])
def test_a_channel_that_does_not_exist_is_refused(channel: int) -> None:
    with pytest.raises(NotewireError, match=f"no MIDI channel {channel}; choose 1 to 16"):
        opened(ListOutput(), channel)


# Another program with a JACK port of its own: prints every message until the pedal is lifted.
LISTENER = """
import time, rtmidi
port = rtmidi.MidiIn(rtmidi.API_UNIX_JACK, name="Listener")
port.open_virtual_port("in")
print("ready", flush=True)
deadline = time.monotonic() + 10
message = []
while message[1:] != [64, 0] and time.monotonic() < deadline:
    received = port.get_message()
    message = received[0] if received else []
    if message:
        print(*message, flush=True)
    time.sleep(0.001)
port.close_port()
port.delete()
"""


@pytest.fixture
def listener() -> Iterator[subprocess.Popen[str]]:
    with (
        jack_server(),
        subprocess.Popen([sys.executable, "-c", LISTENER], stdout=-1, text=True) as process,
    ):
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        yield process
        process.kill()


def test_another_program_hears_the_notes_and_the_offs_of_close(
    listener: subprocess.Popen[str],
) -> None:
    port = MidiPort(channel=2, backend="jack")
    subprocess.run(["jack_connect", "Notewire:Notes", "Listener:in"], check=True)
    port.send(NoteOn(1, 60, 80, 0, 100))
    port.send(NoteOff(1, 60, 500, 600))
    port.send(NoteOn(2, 64, 90, 600, 700))
    port.close()
    heard, _ = listener.communicate(timeout=15)
    assert [[int(byte) for byte in line.split()] for line in heard.splitlines()] == [
        [0x91, 60, 80],
        [0x81, 60, 64],
        [0x91, 64, 90],
        [0x81, 64, 64],
        *([0xB1, *rest] for _, *rest in SILENCE),
    ]


def test_an_existing_jack_port_is_found_by_a_part_of_its_name(
    listener: subprocess.Popen[str],
) -> None:
    assert list_ports()["jack"] == ["Listener:in"]
    port = MidiPort(backend="jack", port="listen")
    port.send(NoteOn(1, 60, 80, 0, 100))
    port.close()
    heard, _ = listener.communicate(timeout=15)
    assert heard.splitlines()[:2] == ["144 60 80", "128 60 64"]
