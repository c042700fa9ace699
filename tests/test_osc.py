"""OSC as a program at the other end of a real socket reads it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing

import pytest
from pythonosc.osc_message import OscMessage
from test_cli import assert_mistake, notewire

from notewire.bridge.osc import OscSender
from notewire.streaming.contracts import NoteOff, NoteOn, NotewireError


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.bind(("127.0.0.1", 0))
        made.settimeout(5.0)
        yield made


def sender(listener: socket.socket) -> OscSender:
    return OscSender(f"127.0.0.1:{listener.getsockname()[1]}")


def read(listener: socket.socket) -> tuple[str, list[int]]:
    message = OscMessage(listener.recv(4096))
    return message.address, message.params


def test_notes_arrive(listener: socket.socket) -> None:
    with closing(sender(listener)) as osc:
        osc.send(NoteOn(7, 60, 80, 1600, 3200))
        osc.send(NoteOff(7, 60, 4800, 6400))
        assert read(listener) == ("/notewire/note/on", [60, 80, 7])
        assert read(listener) == ("/notewire/note/off", [60, 0, 7])


def test_close_ends_what_sounds_twice_for_udp_may_lose_it(listener: socket.socket) -> None:
    osc = sender(listener)
    osc.send(NoteOn(7, 60, 80, 0, 0))
    osc.close()
    osc.close()
    said = [read(listener) for _ in range(3)]
    assert said[1:] == 2 * [("/notewire/note/off", [60, 0, 7])]
    listener.settimeout(0.1)
    with pytest.raises(TimeoutError):
        listener.recv(4096)


def test_nobody_at_the_other_end_is_no_harm(listener: socket.socket) -> None:
    osc = sender(listener)
    listener.close()
    for number in range(100):
        osc.send(NoteOn(number, 60, 80, 0, 0))
    osc.close()


@pytest.mark.parametrize("address", ["", "9000", "host:", "127.0.0.1:99999", "no.such.host.:9000"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(NotewireError, match=r"HOST:PORT|host right"):
        OscSender(address)


def test_a_name_is_looked_up_once(monkeypatch: pytest.MonkeyPatch, listener: socket.socket) -> None:
    sender = OscSender(f"localhost:{listener.getsockname()[1]}")
    monkeypatch.setattr(socket, "getaddrinfo", None)
    assert sender._client._address == "127.0.0.1"
    sender.send(NoteOn(7, 60, 80, 0, 0))
    assert listener.recv(100)


def test_the_command_line_says_what_is_wrong() -> None:
    asked = notewire("run", "--no-midi", "--no-bus", "--set", "osc.address=9000")
    assert_mistake(asked, "HOST:PORT")
