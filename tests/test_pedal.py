"""The sustain pedal: heard, decided, and sent wherever notes go, and never left down."""

from __future__ import annotations

import copy
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import mido
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from test_midi_port import SILENCE, ListOutput, opened
from test_osc import listener, read, sender
from test_transcriber import KNOBS, music
from test_zeromq import ANY, RATE, Clock, listening

from notewire.bridge.event_log import EventLog, read_events
from notewire.bridge.fanout import Fanout
from notewire.bridge.memory import MemorySink
from notewire.bridge.midi_file import MidiFile
from notewire.bridge.midi_keeper import Keeper
from notewire.bridge.midi_port import MidiPort
from notewire.bridge.wire import HealthMessage, PedalMessage
from notewire.bridge.zeromq import ZeroMqPublisher
from notewire.daemon.engine import SILENT_SECONDS, Engine
from notewire.daemon.views import NoView
from notewire.models.config import ModelConfig
from notewire.models.network import Network
from notewire.models.transcriber import Transcriber
from notewire.streaming.contracts import AudioBlock, Gesture, NoteOff, NoteOn, Pedal
from notewire.streaming.decoding import DecoderConfig, FrameClock
from notewire.streaming.pedal import REST_S, PedalDecoder

CLOCK = FrameClock(RATE, 256, 560)
DOWN, UP = Pedal(True, 1600, 2400), Pedal(False, 8000, 8800)

__all__ = ["listener"]  # a fixture


def decoded(probabilities: list[float], **knobs: float) -> list[Pedal]:
    decoder = PedalDecoder(DecoderConfig(**knobs), CLOCK)  # pyright: ignore[reportArgumentType]
    moves, state = decoder(np.array(probabilities), None)
    return moves + decoder.release(state, CLOCK.emitted(state.seen - 1))[0]


def test_two_thresholds_so_that_doubt_moves_nothing() -> None:
    moves = decoded(10 * [0.0] + 10 * [0.9] + 10 * [0.5] + 10 * [0.1], pedal=0.7, lift=0.4)
    assert [move.down for move in moves] == [True, False]
    assert [move.at for move in moves] == [CLOCK.start(10), CLOCK.start(30)]
    assert [move.emitted - move.at for move in moves] == 2 * [560 + 256]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=200))
def test_it_goes_down_and_up_in_turn_with_a_rest_and_ends_up(probabilities: list[float]) -> None:
    moves = decoded(probabilities, pedal=0.6, lift=0.4)
    assert [move.down for move in moves] == [i % 2 == 0 for i in range(len(moves))]
    assert not moves or not moves[-1].down
    rests = [down.at - up.at for up, down in zip(moves[1::2], moves[2::2], strict=False)]
    assert all(rest >= REST_S * RATE for rest in rests)


def test_nobody_stands_on_it_for_ever() -> None:
    moves = decoded(200 * [1.0], longest_s=1.0)
    assert [(move.down, move.at // RATE) for move in moves[:2]] == [(True, 0), (False, 1)]


@pytest.fixture
def listens(tiny_config: ModelConfig) -> tuple[Network, ModelConfig]:
    """A network that moves the pedal now and then."""
    sizes = tiny_config.network.model_copy(update={"pedal": 8})
    config = tiny_config.model_copy(update={"network": sizes})
    torch.manual_seed(5)
    network = Network(config).double().eval().requires_grad_(False)
    assert network.pedal
    network.pedal.out.weight.mul_(20)
    return network, config


def test_pedals_do_not_depend_on_blocks(listens: tuple[Network, ModelConfig]) -> None:
    network, config = listens
    audio = music(16_000, 3.0)
    with torch.inference_mode():
        said = network.hear(torch.from_numpy(audio).double()[None, :38400], None)[0]
    assert said.pedal is not None
    middle = float(torch.sigmoid(said.pedal[0, :, 0]).median())

    def pedals(size: int, wanted: bool = True) -> list[Gesture]:
        knobs = KNOBS.model_copy(update={"pedal": middle, "lift": middle})
        transcriber = Transcriber(network, config, 16_000, "fast", knobs, pedal=wanted)
        for start in range(0, len(audio), size):
            transcriber.feed(AudioBlock(start, audio[start : start + size]))
        transcriber.flush()
        return transcriber.gestures()

    whole = pedals(len(audio))
    assert len(whole) >= 2
    assert all(pedals(size) == whole for size in (64, 320, 1001))
    assert not pedals(1001, wanted=False)


class Halting:
    """A source that falls silent, without a word, once the pedal is down."""

    name, rate = "halting", 16_000
    lost = glitches = 0

    def __init__(self, feet: list[Gesture]) -> None:
        self.feet, self.after = feet, list[Gesture]()

    def __iter__(self) -> Iterator[AudioBlock]:
        audio = music(self.rate, 3.0)
        for start in range(0, len(audio), 256):
            if self.feet and not self.after:
                yield from self._nothing(start)
            yield AudioBlock(start, audio[start : start + 256])

    def _nothing(self, start: int) -> Iterator[AudioBlock]:
        deadline = time.monotonic() + SILENT_SECONDS + 0.1
        while time.monotonic() < deadline:
            time.sleep(0.01)
            yield AudioBlock(start, np.zeros(0, np.float32))
        self.after = list(self.feet)

    def close(self) -> None:
        pass


class Feet(MemorySink):
    """What the pedal did, whatever the notes do."""

    def __init__(self) -> None:
        super().__init__()
        self.gestures: list[Gesture] = []

    def gesture(self, gesture: Gesture) -> None:
        self.gestures.append(gesture)


def test_it_goes_up_when_no_audio_comes(listens: tuple[Network, ModelConfig]) -> None:
    network, config = listens
    deaf = DecoderConfig(onset=1.0, pedal=0.01, lift=0.0)  # no note, only the pedal
    feet = Feet()
    source = Halting(feet.gestures)
    transcriber = Transcriber(network, config, 16_000, "fast", deaf, pedal=True)
    Engine(source, transcriber, Fanout([feet]), NoView(), expressive=[feet]).run()
    assert not feet.events
    assert [move.down for move in source.after if isinstance(move, Pedal)] == [True, False]


def test_what_the_pedal_learns_leaves_the_notes_alone(listens: tuple[Network, ModelConfig]) -> None:
    network = copy.deepcopy(listens[0]).requires_grad_(True)
    said, _, _ = network.hear(torch.rand(1, 8 * 256).double(), None)
    assert said.pedal is not None
    said.pedal.sum().backward()
    moved = {name for name, weight in network.named_parameters() if weight.grad is not None}
    assert moved
    assert all(name.startswith("pedal.") for name in moved)


def test_the_port_sends_it() -> None:
    output = ListOutput()
    port = opened(output, channel=2)
    port.gesture(DOWN)
    port.gesture(UP)
    assert output.messages == [[0xB1, 64, 127], [0xB1, 64, 0]]


def test_with_mpe_it_is_the_zones() -> None:
    output = ListOutput()
    port = MidiPort(expression="mpe", open_output=output, sleep=lambda _: None)
    port.gesture(DOWN)
    assert output.messages == [[0xB0, 64, 127]]
    port.close()
    assert [0xB0, 64, 0] in output.messages


def test_a_pedal_that_could_not_be_let_up_goes_up_with_the_next_note() -> None:
    output = ListOutput()
    port = opened(output)
    port.gesture(DOWN)
    output.works = False
    with pytest.raises(OSError, match="unplugged"):
        port.gesture(UP)
    output.works = True
    port.send(NoteOn(1, 60, 80, 0, 0))
    assert output.messages[1:] == [[0xB0, 64, 0], [0x90, 60, 80]]


def test_the_keeper_lets_it_up_when_the_engine_dies() -> None:
    output = ListOutput()
    keeper = Keeper(output)
    keeper.send([0xB0, 64, 127])
    assert keeper.silence()
    assert output.messages[1:] == SILENCE
    assert not keeper.silence()


def test_a_take_has_it_in_its_place(tmp_path: Path) -> None:
    take = MidiFile(tmp_path / "take.mid", RATE)
    for event in (NoteOn(1, 60, 80, 1600, 1600), NoteOff(1, 60, 8000, 8000)):
        take.send(event)
    take.gesture(DOWN)
    take.gesture(UP)
    take.close()
    track = mido.MidiFile(take.path).tracks[1]
    said = [(m.type, m.time) for m in track if not m.is_meta]
    assert said == [
        ("note_on", 192), ("control_change", 0), ("control_change", 768), ("note_off", 0),
    ]  # fmt: skip
    assert [m.value for m in track if m.type == "control_change"] == [127, 0]


def test_a_take_that_was_cut_off_keeps_it(tmp_path: Path) -> None:
    program = f"""
import os
from notewire.bridge.midi_file import MidiFile
from notewire.streaming.contracts import NoteOn, Pedal
take = MidiFile({str(tmp_path / "take.mid")!r}, 16000)
take.send(NoteOn(1, 60, 80, 1600, 3200))
take.gesture(Pedal(True, 1600, 3200))
os._exit(9)
"""
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 9
    MidiFile(tmp_path / "take.mid", RATE).close()
    saved = mido.MidiFile(tmp_path / "take-saved-1.mid").tracks[1]
    assert [m.value for m in saved if m.type == "control_change"] == [127, 0]


def test_a_log_has_it(tmp_path: Path) -> None:
    with closing(EventLog(tmp_path / "log.jsonl", RATE)) as log:
        log.gesture(DOWN)
    assert list(read_events(tmp_path / "log.jsonl")) == [PedalMessage(True, 0.1, 0.15)]


def test_the_bus_says_it_and_the_heartbeat_repeats_it() -> None:
    clock = Clock()
    with closing(ZeroMqPublisher(RATE, ANY, clock=clock)) as bus, listening(bus) as heard:
        bus.gesture(DOWN)
        bus.tick(RATE, -20.0)
    assert (heard[0].topic, heard[0].body) == ("pedal", PedalMessage(True, 0.1, 0.15))
    assert HealthMessage([], pedal=True) in [message.body for message in heard]


def test_osc_says_it_and_lets_it_up_at_the_end(listener) -> None:
    osc = sender(listener)
    osc.gesture(DOWN)
    osc.close()
    assert [read(listener) for _ in range(2)] == [
        ("/notewire/pedal", [1]),
        ("/notewire/pedal", [0]),
    ]
