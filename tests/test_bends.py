"""Pitch between the keys: what is read of it, what becomes of it as MIDI."""

from __future__ import annotations

import copy
import itertools
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from streams import streams
from test_midi_port import SILENCE, ListOutput
from test_transcriber import KNOBS, music

from notewire.bridge.expression import MEMBERS, Expression, bend_message, greeting
from notewire.bridge.midi_keeper import Keeper
from notewire.bridge.midi_port import MidiPort
from notewire.models.config import ModelConfig
from notewire.models.network import Network
from notewire.models.transcriber import Transcriber
from notewire.streaming.bends import BendReader
from notewire.streaming.contracts import AudioBlock, Bend, Gesture, NoteEvent, NoteOff, NoteOn
from notewire.streaming.vqt import CausalVQT
from notewire.streaming.vqt_config import VQTConfig

RATE = 16_000
VQT = VQTConfig()


def tone(pitch: int, cents: np.ndarray) -> np.ndarray:
    """Eleven partials, ``cents`` above the pitch, sample by sample."""
    frequency = 440 * 2 ** ((pitch - 69) / 12 + cents / 1200)
    phase = 2 * np.pi * np.cumsum(frequency) / RATE
    heard = [k for k in range(1, 12) if k * frequency.max() < 7500]
    return 0.1 * sum((np.sin(k * phase) / k for k in heard), start=np.zeros(len(cents)))


def read(pitch: int, sound: np.ndarray) -> np.ndarray:
    """Cents at every frame, after the first that the longest atom fills."""
    frames, _ = CausalVQT(VQT)(torch.from_numpy(sound.astype(np.float32))[None])
    reader, last, found = BendReader(VQT), 0.0, []
    for frame in frames[0].numpy()[15:]:
        cents = reader.read(frame, pitch, last)
        last = last if cents is None else cents
        found.append(last)
    return np.array(found)


@pytest.mark.parametrize("pitch", [36, 52, 60, 72, 84])
@pytest.mark.parametrize("cents", [-45.0, 0.0, 12.0])
def test_a_steady_tone_is_read_to_a_cent(pitch: int, cents: float) -> None:
    assert read(pitch, tone(pitch, np.full(RATE, cents))) == pytest.approx(cents, abs=1.0)


@pytest.mark.parametrize("pitch", [45, 60, 76])
def test_vibrato_is_followed(pitch: int) -> None:
    time = np.arange(2 * RATE) / RATE
    wave = 35 * np.sin(2 * np.pi * 5.5 * time)
    found = read(pitch, tone(pitch, wave))
    assert found.std() == pytest.approx(wave.std(), rel=0.15)
    ends = (np.arange(15, 15 + len(found)) + 1) * VQT.hop
    likeness = [np.corrcoef(found, wave[ends - late - 1])[0, 1] for late in range(0, 800, 80)]
    assert max(likeness) > 0.99


def test_a_bend_by_a_whole_tone_is_followed() -> None:
    rise = 200 * np.clip(np.arange(RATE) / RATE * 4 - 1.5, 0, 1)
    assert read(60, tone(60, rise))[-5:] == pytest.approx(200, abs=2)


def test_another_note_beside_it_does_not_bend_it() -> None:
    sound = tone(60, np.zeros(RATE)) + tone(67, np.full(RATE, 20.0))
    assert read(60, sound) == pytest.approx(0, abs=6)


def test_bends_do_not_depend_on_blocks(tiny_network: Network, tiny_config: ModelConfig) -> None:
    audio, network = music(16_000, 2.0), copy.deepcopy(tiny_network).double()

    def bends(size: int) -> list[Gesture]:
        transcriber = Transcriber(network, tiny_config, 16_000, "fast", KNOBS, bends=True)
        for start in range(0, len(audio), size):
            transcriber.feed(AudioBlock(start, audio[start : start + size]))
        return transcriber.gestures()

    whole = bends(len(audio))
    assert whole
    assert all(bends(size) == whole for size in (64, 320, 1001))


def opened(expression: Expression) -> tuple[MidiPort, ListOutput]:
    output = ListOutput()
    return MidiPort(1, expression=expression, open_output=output, sleep=lambda _: None), output


def test_without_bend_nothing_is_bent() -> None:
    port, output = opened("off")
    port.send(NoteOn(1, 60, 80, 0, 0))
    port.gesture(Bend(1, 60, 30.0, 5, 5))
    assert output.messages == [[0x90, 60, 80]]


def test_one_voice_bends_its_channel_and_a_chord_does_not() -> None:
    port, output = opened("mono")
    port.send(NoteOn(1, 60, 80, 0, 0))
    port.gesture(Bend(1, 60, 100.0, 5, 5))
    port.gesture(Bend(9, 60, 50.0, 6, 6))  # of a note that is gone
    port.send(NoteOn(2, 64, 80, 7, 7))
    port.gesture(Bend(1, 60, 70.0, 8, 8))
    centre = [0xE0, 0, 64]
    assert output.messages == [
        centre, [0x90, 60, 80], [0xE0, 0, 96], centre, [0x90, 64, 80],
    ]  # fmt: skip


def test_mpe_gives_each_note_a_channel_and_bends_it_there() -> None:
    port, output = opened("mpe")
    port.send(NoteOn(1, 60, 80, 0, 0))
    port.send(NoteOn(2, 64, 80, 0, 0))
    output.messages.clear()
    port.gesture(Bend(1, 60, -4800.0, 5, 5))
    port.gesture(Bend(2, 64, 9999.0, 5, 5))
    port.send(NoteOff(1, 60, 9, 9))
    assert output.messages == [[0xE1, 0, 0], [0xE2, 127, 127], [0x81, 60, 64]]


@given(streams)
def test_in_mpe_each_channel_strikes_and_releases_in_turn(events: list[NoteEvent]) -> None:
    port, output = opened("mpe")
    for event in events:
        port.send(event)
    port.close()
    held: Counter[tuple[int, int]] = Counter()
    for kind, pitch, _ in output.messages:
        if kind & 0xF0 in (0x80, 0x90):
            held[kind & 0x0F, pitch] += 1 if kind & 0xF0 == 0x90 else -1
            assert kind & 0x0F in MEMBERS
            assert 0 <= held[kind & 0x0F, pitch] <= 1
    assert not held.total()


def test_sixteen_notes_share_fifteen_channels_and_all_end() -> None:
    port, output = opened("mpe")
    for number in range(16):
        port.send(NoteOn(number, 40 + number, 80, 0, 0))
    channels = [m[0] & 0x0F for m in output.messages if m[0] & 0xF0 == 0x90]
    assert channels == [*MEMBERS, 1]
    for number in range(16):
        port.send(NoteOff(number, 40 + number, 9, 9))
    offs = [m[0] & 0x0F for m in output.messages if m[0] & 0xF0 == 0x80]
    assert offs == channels


def test_what_an_instrument_is_told_first() -> None:
    """MPE 1.0: a zone of 15 members, 48 semitones for each; else RPN 0, two semitones."""
    assert greeting("off", {0}) == []
    assert greeting("mono", {0}) == [[0xB0, 101, 0], [0xB0, 100, 0], [0xB0, 6, 2]]
    mpe = greeting("mpe", {0})
    assert mpe[:3] == [[0xB0, 101, 0], [0xB0, 100, 6], [0xB0, 6, 15]]
    assert mpe[3:6] == [[0xB1, 101, 0], [0xB1, 100, 0], [0xB1, 6, 48]]
    assert len(mpe) == 3 * 16


@pytest.mark.parametrize(("cents", "value"), [(0, 8192), (-9e9, 0), (9e9, 16383), (50, 10240)])
def test_fourteen_bits(cents: float, value: int) -> None:
    _, low, high = bend_message(3, cents, "mono")
    assert low | high << 7 == value


def test_the_keeper_leaves_no_channel_bent() -> None:
    output = ListOutput()
    keeper = Keeper(output)
    for message in ([0x90, 60, 80], [0xE0, 0, 96]):
        keeper.send(message)
    output.messages.clear()
    keeper.silence()
    assert output.messages == [[0x80, 60, 64], [0xE0, 0, 64], *SILENCE]


def test_a_transposed_note_is_read_where_it_sounds(
    tiny_network: Network, tiny_config: ModelConfig
) -> None:
    audio = music(16_000, 2.0)
    plain, moved = (
        Transcriber(
            tiny_network, tiny_config, 16_000, "fast",
            KNOBS.model_copy(update={"transpose": by}), bends=True,
        )
        for by in (0, 5)
    )  # fmt: skip
    for transcriber in (plain, moved):
        transcriber.feed(AudioBlock(0, audio))
    pairs = itertools.zip_longest(plain.gestures(), moved.gestures())
    for a, b in pairs:
        assert isinstance(a, Bend)
        assert isinstance(b, Bend)
        assert a == replace(b, pitch=b.pitch - 5)
