"""Commands over the bus: each does what it says, nothing else is done, and no note is left."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
import zmq
from test_cli import assert_mistake, notewire
from test_engine import Played
from test_midi_port import SILENCE, ListOutput, opened
from test_notes import assert_well_formed

from notewire.bridge.commands import (
    Done,
    Mute,
    Panic,
    Refused,
    SetMode,
    SetSensitivity,
    SetTranspose,
    Snapshot,
    Standing,
    read_answer,
)
from notewire.bridge.control import Control, ask, control_address
from notewire.bridge.fanout import Fanout
from notewire.bridge.memory import MemorySink
from notewire.bridge.zeromq import ZeroMqPublisher
from notewire.daemon.conductor import Conductor
from notewire.daemon.config import Config
from notewire.daemon.engine import Engine
from notewire.daemon.settings import load_config
from notewire.daemon.sources import demo_audio
from notewire.daemon.views import NoView
from notewire.models.library import open_model
from notewire.models.transcriber import Transcriber
from notewire.streaming.contracts import NoteOn, NotewireError

ANY = "tcp://127.0.0.1:*"


class Stage:
    """An engine fed by hand, and all that a command may reach."""

    def __init__(self) -> None:
        audio, rate = demo_audio(8.0)
        network, model = open_model("piano")
        self.heard, self.output = MemorySink(), ListOutput()
        self.bus = ZeroMqPublisher(model.vqt.rate, ANY)
        self.port = opened(self.output)
        sinks = Fanout([self.heard, self.port, self.bus])
        self.blocks = iter(Played(audio, rate))
        source = Played(audio, rate)
        self.engine = Engine(source, Transcriber(network, model, rate), sinks, NoView(), self.bus)
        self.settings: Path | None = None
        self.conductor = Conductor(self.engine, self.bus, Config(), [self.port], self.reread)

    def reread(self) -> Config:
        return load_config(self.settings, environment={})

    def play(self, seconds: float) -> None:
        for _ in range(int(seconds * 44_100 / 512)):
            for _ in range(2):
                self.engine._take(next(self.blocks))

    def play_to_a_note(self) -> None:
        while not self.engine.transcriber.sounding:
            self.play(0.02)


def on_stage() -> Iterator[Stage]:
    made = Stage()
    yield made
    made.engine._finish()
    assert_well_formed(made.heard.events)


stage = pytest.fixture(on_stage)


def test_panic_ends_every_note_and_silences_the_instrument(stage: Stage) -> None:
    stage.play_to_a_note()
    assert stage.conductor.act(Panic()) == Done()
    assert not stage.engine.transcriber.sounding
    assert stage.output.messages[-3:] == SILENCE
    assert_well_formed(stage.heard.events)


def test_panic_without_an_instrument_is_refused_with_the_notes_ended(stage: Stage) -> None:
    stage.play_to_a_note()
    stage.output.works = False
    answer = stage.conductor.act(Panic())
    assert isinstance(answer, Refused)
    assert not stage.engine.transcriber.sounding


def test_another_mode_leaves_no_note_hanging_and_hears_on(stage: Stage) -> None:
    stage.play_to_a_note()
    assert stage.conductor.act(SetMode("accurate")) == Done()
    assert not stage.engine.transcriber.sounding
    before = len(stage.heard.events)
    stage.play(1.0)
    assert stage.engine.transcriber.mode == "accurate"
    assert any(isinstance(event, NoteOn) for event in stage.heard.events[before:])


def test_transposition_moves_what_begins_and_ends_what_sounds(stage: Stage) -> None:
    stage.play_to_a_note()
    stage.conductor.act(SetTranspose(12))
    stage.play(1.0)
    assert stage.engine.transcriber.decoder.config.transpose == 12
    stage.conductor.act(SetSensitivity(0.8))
    assert stage.engine.transcriber.decoder.config.transpose == 12


def test_muted_says_nothing_and_speaks_again(stage: Stage) -> None:
    stage.play_to_a_note()
    stage.conductor.act(Mute(True))
    before = list(stage.heard.events)
    stage.play(1.0)
    assert stage.heard.events == before
    stage.conductor.act(Mute(False))
    stage.play(1.0)
    assert len(stage.heard.events) > len(before)


def test_a_snapshot_has_what_a_late_client_needs(stage: Stage) -> None:
    stage.play_to_a_note()
    stage.conductor.act(SetSensitivity(0.7))
    standing = stage.conductor.act(Snapshot())
    assert isinstance(standing, Standing)
    assert [note.pitch for note in standing.held] == stage.engine.transcriber.sounding
    assert standing.seq["note.on"] >= 1
    assert (standing.mode, standing.sensitivity, standing.muted) == ("balanced", 0.7, False)
    assert standing.session == stage.bus.session


@contextmanager
def listening(stage: Stage | None = None) -> Iterator[str]:
    """A control socket that is polled in a thread, as the engine polls it."""
    control, stop = Control(ANY), threading.Event()
    control.act = stage.conductor.act if stage else lambda _: Done()

    def serve() -> None:
        while not stop.is_set():
            control.pulse()
            time.sleep(0.001)
        control.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield control.address
    finally:
        stop.set()
        thread.join(5)


def test_a_command_over_the_socket(stage: Stage) -> None:
    with listening(stage) as address:
        assert ask(address, SetMode("fast")) == Done()
        assert isinstance(ask(address, Snapshot()), Standing)
    assert stage.engine.transcriber.mode == "fast"


def fuzz(draw: random.Random) -> bytes:
    """Something that is nearly a command, or not at all one."""
    good = [
        {"type": "mode", "mode": "fast"},
        {"type": "sensitivity", "value": 0.5},
        {"type": "mute", "on": True},
        {"type": "panic"},
    ]
    message = dict(draw.choice(good))
    key = draw.choice([*message, "more"])
    message[key] = draw.choice([None, -1, 1e99, "", "x" * 500, [], {}, "fast ", 2, "\ud800"])
    data = json.dumps(message).encode()
    cut = draw.randrange(len(data))
    return draw.choice([data, data[:cut], draw.randbytes(draw.randrange(64))])


def test_ten_thousand_messages_that_are_no_commands_are_refused() -> None:
    draw = random.Random(5)
    done = 0
    with listening() as address, zmq.Context() as context, context.socket(zmq.DEALER) as client:
        client.setsockopt(zmq.RCVTIMEO, 10_000)
        client.setsockopt(zmq.LINGER, 0)
        client.connect(address)
        for _ in range(100):
            for _ in range(100):
                client.send_multipart([b"", fuzz(draw)])
            answers = [read_answer(client.recv_multipart()[-1]) for _ in range(100)]
            done += sum(isinstance(answer, Done) for answer in answers)
        client.send_multipart([b"", msgspec.json.encode(Panic())])
        assert read_answer(client.recv_multipart()[-1]) == Done()
    assert done == 0


@pytest.mark.parametrize(
    "data", [b'{"x":' + b"[" * 1500, b"\x81\xa1x" + b"\x91" * 3500, b'{"type":"\xff"}']
)
def test_what_no_reader_gets_through_is_refused(data: bytes) -> None:
    with listening() as address, zmq.Context() as context, context.socket(zmq.REQ) as client:
        client.setsockopt(zmq.RCVTIMEO, 5_000)
        client.connect(address)
        client.send(data)
        assert isinstance(read_answer(client.recv()), Refused)
        assert ask(address, Panic()) == Done()


def test_who_sends_megabytes_is_cut_off_and_nobody_else() -> None:
    with listening() as address, zmq.Context() as context, context.socket(zmq.REQ) as client:
        client.setsockopt(zmq.LINGER, 0)
        client.setsockopt(zmq.RCVTIMEO, 300)
        client.connect(address)
        client.send(b'{"type":"panic","more":"' + b"x" * 5_000_000 + b'"}')
        with pytest.raises(zmq.Again):
            client.recv()
        assert ask(address, Panic()) == Done()


def test_who_speaks_another_language_at_the_port_is_told_of() -> None:
    with zmq.Context() as context, context.socket(zmq.REP) as other:
        port = other.bind_to_random_port("tcp://127.0.0.1")
        answering = threading.Thread(target=lambda: (other.recv(), other.send(b"hello")))
        answering.start()
        with pytest.raises(NotewireError, match="nobody answers"):
            ask(f"tcp://127.0.0.1:{port}", Panic())
        answering.join()


def test_messagepack_is_understood_and_answered(stage: Stage) -> None:
    with listening(stage) as address, zmq.Context() as context, context.socket(zmq.REQ) as client:
        client.setsockopt(zmq.RCVTIMEO, 5_000)
        client.connect(address)
        client.send(msgspec.msgpack.encode(Snapshot()))
        answer = client.recv()
    assert isinstance(msgspec.msgpack.decode(answer, type=Standing), Standing)


def test_where_nobody_listens_is_said_with_the_cure() -> None:
    with pytest.raises(NotewireError, match="is `notewire run` running"):
        ask("tcp://127.0.0.1:9", Panic())


@pytest.mark.parametrize(
    ("bus", "control"),
    [
        ("tcp://127.0.0.1:5556", "tcp://127.0.0.1:5557"),
        ("tcp://[::1]:70", "tcp://[::1]:71"),
        ("ipc:///tmp/bus", "ipc:///tmp/bus.control"),
    ],
)
def test_commands_go_to_the_next_port(bus: str, control: str) -> None:
    assert control_address(bus) == control


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["dance"], "is no command; there are panic"),
        (["mode", "slow"], "slow"),
        (["sensitivity", "7"], "<= 1.0"),
        (["transpose"], "give a value"),
    ],
)
def test_a_mistake_at_the_command_line(words: list[str], said: str) -> None:
    assert_mistake(notewire("control", *words), said)


def test_at_the_command_line(stage: Stage) -> None:
    with listening(stage) as address:
        assert notewire("control", "transpose", "-12", "--address", address).stdout == "done\n"
        said = notewire("control", "snapshot", "--address", address).stdout
    assert json.loads(said)["transpose"] == -12
