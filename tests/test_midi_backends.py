"""Which MIDI system a port is opened on, and what is said where there is none."""

from __future__ import annotations

import os
import sys

import pytest
from test_midi_port import ListOutput

from notewire.bridge.midi_backends import Backend, list_ports, open_output
from notewire.streaming.contracts import NotewireError


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


def test_a_mac_shows_whose_port_it_is() -> None:
    mac = Computer(coremidi=FakeClient())
    open_output(platform="darwin", client=mac)
    assert mac.systems["coremidi"].opened == "virtual Notewire Notes"


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
