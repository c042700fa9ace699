"""What the instrument hears, with a port that is a list and with a real one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from hypothesis import given
from jack_server import jack_server
from streams import streams

from notewire.bridge.midi_backends import Backend, Output, list_ports, open_output
from notewire.bridge.midi_port import LEAVE_S, MidiPort
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


class FakeClient(ListOutput):
    """A MIDI system with these ports, as rtmidi shows it."""

    def __init__(self, *ports: str) -> None:
        super().__init__()
        self.ports, self.opened, self.deleted = list(ports), "", 0

    def get_ports(self) -> list[str]:
        return self.ports

    def open_port(self, port: int, name: str) -> None:
        self.opened = self.ports[port]

    def open_virtual_port(self, name: str) -> None:
        self.opened = f"virtual {name}"

    def delete(self) -> None:
        self.deleted += 1


class Computer:
    """Some MIDI systems work here and the rest do not."""

    def __init__(self, **systems: FakeClient) -> None:
        self.systems, self.tried = systems, list[str]()

    def __call__(self, backend: Backend) -> FakeClient:
        self.tried.append(backend)
        if backend not in self.systems:
            raise OSError("not there")
        return self.systems[backend]


def test_linux_takes_alsa_and_falls_through_to_jack() -> None:
    both, jack = Computer(alsa=FakeClient(), jack=FakeClient()), Computer(jack=FakeClient())
    open_output(platform="linux", client=both)
    open_output(platform="linux", client=jack)
    assert (both.tried, jack.tried) == (["alsa"], ["alsa", "jack"])
    assert jack.systems["jack"].opened == "virtual Notes"


def test_the_client_goes_away_with_its_port() -> None:
    client = FakeClient()
    open_output("alsa", client=Computer(alsa=client)).close_port()
    assert (client.closed, client.deleted) == (1, 1)


def test_a_forced_back_end_is_the_only_one_tried() -> None:
    computer = Computer(alsa=FakeClient())
    with pytest.raises(NotewireError, match="jack: not there"):
        open_output("jack", platform="linux", client=computer)
    assert computer.tried == ["jack"]


def test_no_back_end_is_one_line_with_the_cure() -> None:
    with pytest.raises(NotewireError) as caught:
        open_output(platform="linux", client=Computer())
    assert str(caught.value) == (
        "no MIDI port could be opened (alsa: not there; jack: not there); "
        "load the ALSA sequencer (sudo modprobe snd-seq) or start a JACK server"
    )


def test_macos_opens_a_virtual_port() -> None:
    computer = Computer(coremidi=FakeClient())
    open_output(platform="darwin", client=computer)
    assert computer.systems["coremidi"].opened == "virtual Notes"


def test_windows_never_takes_a_port_that_was_not_named() -> None:
    client = FakeClient("Microsoft GS Wavetable Synth", "loopMIDI Port")
    with pytest.raises(NotewireError, match=r"Synth, loopMIDI Port\); install loopMIDI"):
        open_output(platform="win32", client=Computer(winmm=client))
    assert (client.opened, client.deleted) == ("", 1)


@pytest.mark.parametrize(
    ("wanted", "taken"), [("loopmidi", "loopMIDI Port 1"), ("B", "b"), ("synth", "Big Synth")]
)
def test_a_port_is_chosen_by_its_name_or_a_part_of_it(wanted: str, taken: str) -> None:
    client = FakeClient("Big Synth", "loopMIDI Port 1", "b")
    open_output(port=wanted, platform="win32", client=Computer(winmm=client))
    assert client.opened == taken


@pytest.mark.parametrize(("wanted", "reason"), [("x", "no port"), ("loop", "more than one port")])
def test_a_name_that_fits_no_port_or_many_is_refused(wanted: str, reason: str) -> None:
    computer = Computer(alsa=FakeClient("loop 1", "loop 2"))
    with pytest.raises(NotewireError, match=rf"{reason} is called '{wanted}', ports: loop 1, loop"):
        open_output("alsa", wanted, platform="linux", client=computer)


def test_the_list_has_the_systems_that_work() -> None:
    assert list_ports(Computer(alsa=FakeClient("a", "b"))) == {"alsa": ["a", "b"]}


def test_a_back_end_of_another_system_is_not_replaced_by_ours() -> None:
    foreign: Backend = "winmm" if sys.platform != "win32" else "alsa"
    with pytest.raises(NotewireError, match=f"{foreign}: not part of python-rtmidi"):
        open_output(foreign)


def test_what_c_libraries_print_is_hidden(capfd: pytest.CaptureFixture[str]) -> None:
    def noisy(_backend: Backend) -> FakeClient:
        os.write(2, b"ALSA lib seq_hw.c: nothing here\n")
        raise OSError("not there")

    with pytest.raises(NotewireError):
        open_output(client=noisy)
    os.write(2, b"heard again\n")
    assert capfd.readouterr().err == "heard again\n"


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
