"""Second thoughts: what was said too soon is put right, and the books stay true."""

from __future__ import annotations

from contextlib import closing
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_notes import assert_well_formed
from test_zeromq import ANY, listening

from notewire.bridge.fanout import Fanout
from notewire.bridge.memory import MemorySink
from notewire.bridge.sounding import Sounding
from notewire.bridge.wire import LatencyMessage, NoteOnMessage, NoteRevokeMessage, NoteUpdateMessage
from notewire.bridge.zeromq import ZeroMqPublisher
from notewire.daemon.afterthoughts import Afterthoughts
from notewire.daemon.bench import demo_audio
from notewire.daemon.engine import Engine
from notewire.daemon.views import NoView
from notewire.models.config import Mode
from notewire.models.library import open_model
from notewire.models.transcriber import Transcriber
from notewire.streaming.contracts import AudioBlock, NoteOff, NoteOn
from notewire.streaming.corrections import ADDED, Corrector, Revoke, Update

RATE = 16_000
Heard = tuple[int, int, int]  # onset in samples, pitch, velocity
SOON, LATE = NoteOn(3, 60, 80, 16_000, 16_600), NoteOn(1, 60, 90, 16_100, 18_500)


def test_a_note_that_both_hear_is_put_right() -> None:
    corrector = Corrector(RATE)
    corrector.first(SOON)
    assert corrector.second(LATE) == [Update(3, 60, 90, 16_100, 18_500)]
    assert corrector.second(NoteOff(1, 60, 20_000, 22_000)) == []
    assert corrector.judged(0, 99_000, 99_999) == []


def test_a_note_that_only_the_first_heard_is_taken_back_once() -> None:
    corrector = Corrector(RATE)
    corrector.first(SOON)
    assert corrector.judged(0, 16_000 + 1600, 18_000) == []
    assert corrector.judged(0, 16_000 + 1601, 18_001) == [Revoke(3, 60, 18_001)]
    assert corrector.judged(0, 99_000, 99_999) == []


def test_a_note_that_only_the_second_hears_is_added_with_its_end() -> None:
    corrector = Corrector(RATE)
    corrector.first(SOON)
    other = NoteOn(1, 61, 90, 16_000, 18_500)
    assert corrector.second(other) == [NoteOn(ADDED + 1, 61, 90, 16_000, 18_500)]
    off = NoteOff(1, 61, 20_000, 22_000)
    assert corrector.second(off) == [NoteOff(ADDED + 1, 61, 20_000, 22_000)]
    assert corrector.second(off) == []


def test_what_was_said_before_a_gap_stays() -> None:
    corrector = Corrector(RATE)
    corrector.first(SOON)
    assert corrector.judged(16_001, 99_000, 99_999) == []


def test_what_only_the_second_thoughts_hear_has_to_be_ended_too() -> None:
    transcriber, _ = played("fast", 0.1)
    assert not transcriber.holding
    transcriber._later = SimpleNamespace(sounding=[60], pedal_down=False)  # pyright: ignore[reportAttributeAccessIssue]
    assert transcriber.holding


def played(mode: Mode, seconds: float = 8.0) -> tuple[Transcriber, list[AudioBlock]]:
    audio, rate = demo_audio(seconds)
    network, model = open_model("piano")
    patient = ("accurate", model.tuned("accurate"))
    parts = np.array_split(audio, len(audio) // 441)
    starts = np.cumsum([0, *(len(part) for part in parts)])
    blocks = [AudioBlock(int(start), part) for start, part in zip(starts, parts, strict=False)]
    return Transcriber(network, model, rate, mode, later=patient), blocks


def test_second_thoughts_are_what_the_patient_mode_says() -> None:
    soon, blocks = played("fast")
    alone, _ = played("accurate")
    thoughts, said = [], []
    for block in blocks:
        soon.feed(block)
        thoughts += soon.second_thoughts().events
        said += alone.feed(block)
    soon.flush()
    thoughts += soon.second_thoughts().events
    assert thoughts == said + alone.flush()
    assert_well_formed(thoughts)


class Blocks:
    """A source of known blocks."""

    name, lost, glitches = "blocks", 0, 0

    def __init__(self, rate: int, blocks: list[AudioBlock]) -> None:
        self.rate, self._blocks = rate, blocks

    def __iter__(self):
        return iter(self._blocks)

    def close(self) -> None: ...


def test_a_run_keeps_the_better_take_and_corrects_the_bus() -> None:
    """A client that heeds the corrections has the notes of the take, but for late ends."""
    transcriber, blocks = played("fast")
    live, take = MemorySink(), MemorySink()
    with closing(ZeroMqPublisher(RATE, ANY)) as bus, listening(bus) as heard:
        second = Afterthoughts(transcriber, Fanout([take]), bus)
        source = Blocks(transcriber.source_rate, blocks)
        Engine(source, transcriber, Fanout([live, bus]), NoView(), bus, afterthoughts=second).run()
    assert_well_formed(live.events)
    assert_well_formed(take.events)
    begun: dict[int, Heard] = {}
    for _, _, message in heard:
        if isinstance(message, NoteOnMessage | NoteUpdateMessage):
            begun[message.id] = (round(message.onset * RATE), message.pitch, message.velocity)
        elif isinstance(message, NoteRevokeMessage):
            del begun[message.id]
    judged = [
        sorted(note for note in notes if note[0] < 7.75 * RATE)  # of 8 s
        for notes in (begun.values(), begins(take))
    ]
    assert judged[0] == judged[1]
    late = [message for _, _, message in heard if isinstance(message, LatencyMessage)]
    assert late
    assert all(m.median == pytest.approx(m.look_ahead + m.engine, abs=2e-4) for m in late)
    assert begins(live) != begins(take)


def begins(sink: MemorySink) -> list[Heard]:
    ons = [event for event in sink.events if isinstance(event, NoteOn)]
    return sorted((on.onset, on.pitch, on.velocity) for on in ons)


@given(st.lists(st.tuples(st.booleans(), st.integers(60, 62), st.integers(0, 4000)), max_size=30))
def test_who_heeds_corrections_ends_with_the_second_opinion(
    steps: list[tuple[bool, int, int]],
) -> None:
    corrector, books, now, second = Corrector(RATE), Sounding(), 0, []
    for number, (first, pitch, gap) in enumerate(steps, 1):
        now += gap
        note = NoteOn(number, pitch, 80, now, now)
        if first:
            corrector.first(note)
            books.hear(note)
        else:
            second.append((note.pitch, note.onset))
            for correction in corrector.second(note):
                books.correct(correction)
    for revoked in corrector.judged(0, now + 10_000, now + 10_000):
        books.correct(revoked)
    assert sorted((n.pitch, n.onset) for n in books.notes.values()) == sorted(second)
