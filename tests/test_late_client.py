"""A client that joins in mid-chord, sleeps or loses messages shows the truth within a heartbeat."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from notewire.bridge.commands import Standing
from notewire.bridge.control import Control
from notewire.bridge.zeromq import HEARTBEAT_EVERY_S, ZeroMqPublisher
from notewire.streaming.contracts import NoteOff, NoteOn, Pedal
from notewire.streaming.corrections import Revoke

RATE = 16_000
ANY = "tcp://127.0.0.1:*"
PIANO = Path(__file__).parent.parent / "examples" / "piano.py"
PATIENCE = 20.0  # seconds for a program to start on a busy machine
BURST = 30_000  # messages, more than the queues and the kernel hold


class Publisher(threading.Thread):
    """A bus and its ear for commands, pulsed as the engine pulses them."""

    def __init__(self) -> None:
        super().__init__()
        self.bus, self.control = ZeroMqPublisher(RATE, ANY), Control(ANY)
        self.control.act = lambda _: Standing(*self.bus.standing(), "balanced", 0.5, 0, False)
        self.lock, self.ended = threading.Lock(), threading.Event()

    def run(self) -> None:
        while not self.ended.wait(0.02):
            with self.lock:
                self.control.pulse()
                self.bus.tick(0, -20.0)

    def strike(self, number: int, pitch: int) -> None:
        with self.lock:
            self.bus.send(NoteOn(number, pitch, 80, 0, 0))

    def release(self, number: int, pitch: int) -> None:
        with self.lock:
            self.bus.send(NoteOff(number, pitch, 1, 1))

    def tread(self, down: bool) -> None:
        with self.lock:
            self.bus.gesture(Pedal(down, 1, 1))

    def revoke(self, number: int, pitch: int) -> None:
        with self.lock:
            self.bus.correct(Revoke(number, pitch, 1))

    def close(self) -> None:
        self.ended.set()
        self.join()
        self.control.close()
        self.bus.close()


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    with closing(Publisher()) as made:
        made.start()
        yield made


class Piano:
    """The example client, running; ``line`` is what it shows now."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process, self.line = process, ""
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout
        with suppress(ValueError):
            for line in self.process.stdout:
                self.line = line.strip("\n")

    def shows(self, pitches: set[int], within: float) -> bool:
        end = time.monotonic() + within
        while time.monotonic() < end:
            if {21 + i for i, key in enumerate(self.line) if key == "█"} == pitches:
                return True
            time.sleep(0.01)
        return False


@contextmanager
def piano(publisher: Publisher) -> Iterator[Piano]:
    command = [sys.executable, str(PIANO), publisher.bus.address, publisher.control.address]
    utf8 = os.environ | {"PYTHONIOENCODING": "utf-8"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8", env=utf8) as process:
        try:
            yield Piano(process)
        finally:
            process.kill()


def test_who_joins_in_mid_chord_sees_the_chord_and_what_follows(publisher: Publisher) -> None:
    for number, pitch in enumerate((60, 64, 67), 1):
        publisher.strike(number, pitch)
    publisher.release(2, 64)
    with piano(publisher) as client:
        assert client.shows({60, 67}, PATIENCE)
        publisher.strike(4, 72)
        assert client.shows({60, 67, 72}, 2 * HEARTBEAT_EVERY_S)


def test_who_slept_and_lost_messages_is_right_again_with_the_next_heartbeat(
    publisher: Publisher,
) -> None:
    with piano(publisher) as client:
        publisher.strike(1, 60)
        assert client.shows({60}, PATIENCE)
        client.process.send_signal(signal.SIGSTOP)
        for number in range(2, BURST):
            publisher.strike(number, 40)
            publisher.release(number, 40)
        publisher.release(1, 60)
        publisher.strike(BURST, 72)
        time.sleep(HEARTBEAT_EVERY_S)
        client.process.send_signal(signal.SIGCONT)
        assert client.shows({72}, PATIENCE)


def test_after_a_restart_of_the_engine_nothing_of_before_sounds() -> None:
    with closing(Publisher()) as first:
        first.start()
        first.strike(1, 60)
        with piano(first) as client:
            assert client.shows({60}, PATIENCE)
            addresses = first.bus.address, first.control.address
            first.bus._sounding.notes.clear()  # as if killed: no note-off leaves
            first.close()
            second = ZeroMqPublisher(RATE, addresses[0])
            end = time.monotonic() + PATIENCE
            while not client.shows(set(), 0.1) and time.monotonic() < end:
                second.tick(0, -20.0)
            assert client.shows(set(), 0.1)
            second.close()
