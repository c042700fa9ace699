"""The loop with a source of known blocks: everything arrives, and in the end nothing sounds."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from test_notes import assert_well_formed

from notewire.bridge.fanout import Fanout
from notewire.bridge.memory import MemorySink
from notewire.daemon.bench import demo_audio
from notewire.daemon.engine import SILENT_SECONDS, Engine
from notewire.daemon.views import NoView
from notewire.models.library import open_model
from notewire.models.transcriber import Transcriber
from notewire.streaming.contracts import AudioBlock, NoteOn, NotewireError, Sink


class Played:
    """A source that plays an array at once; ``fails`` ends it as a lost device does."""

    name = "array"
    lost = glitches = 0

    def __init__(self, audio: np.ndarray, rate: int, fails: bool = False) -> None:
        self.audio, self.rate, self.fails = audio, rate, fails
        self.closed = False

    def __iter__(self) -> Iterator[AudioBlock]:
        for start in range(0, len(self.audio), 512):
            yield AudioBlock(start, self.audio[start : start + 512])
            yield AudioBlock(min(start + 512, len(self.audio)), np.zeros(0, np.float32))
        if self.fails:
            raise NotewireError("input 'array' stopped delivering sound")

    def close(self) -> None:
        self.closed = True


def engine(fails: bool = False, sinks: Sequence[Sink] = ()) -> tuple[Engine, MemorySink, Played]:
    audio, rate = demo_audio(3.0)
    network, config = open_model("piano")
    source, sink = Played(audio, rate, fails), MemorySink()
    transcriber = Transcriber(network, config, rate)
    return Engine(source, transcriber, Fanout([sink, *sinks]), NoView()), sink, source


def test_a_run() -> None:
    running, sink, source = engine()
    summary = running.run()
    assert_well_formed(sink.events)
    assert summary.notes == sum(hasattr(event, "onset") for event in sink.events) > 5
    assert summary.seconds == pytest.approx(3.0, abs=0.01)
    assert 0 < summary.hop.median < summary.hop_seconds
    assert source.closed
    assert sink.closed


class Unkept(MemorySink):
    """A sink that takes everything and cannot keep it, as a file on a full disk."""

    def close(self) -> None:
        raise OSError("no space left")


def test_a_take_that_could_not_be_kept_is_an_error() -> None:
    running, sink, _ = engine(sinks=[Unkept()])
    with pytest.raises(NotewireError, match="no space left"):
        running.run()
    assert_well_formed(sink.events)
    assert sink.closed


def test_a_lost_device_leaves_nothing_sounding() -> None:
    running, sink, source = engine(fails=True)
    with pytest.raises(NotewireError, match="stopped delivering"):
        running.run()
    assert_well_formed(sink.events)
    assert source.closed
    assert sink.closed


def test_when_no_audio_comes_the_notes_end_and_may_begin_again() -> None:
    class Halting(Played):
        def __iter__(self) -> Iterator[AudioBlock]:
            for block in super().__iter__():
                if len(sink.events) and isinstance(sink.events[-1], NoteOn) and not halts:
                    halts.append(block.start)
                    yield from self._nothing(block.start)
                yield block

        def _nothing(self, start: int) -> Iterator[AudioBlock]:
            deadline = time.monotonic() + SILENT_SECONDS + 0.1
            while time.monotonic() < deadline:
                time.sleep(0.01)
                yield AudioBlock(start, np.zeros(0, np.float32))
            silent.append(not engine_.transcriber.sounding)

    halts, silent = list[int](), list[bool]()
    audio, rate = demo_audio(3.0)
    network, config = open_model("piano")
    sink = MemorySink()
    source = Halting(audio, rate)
    engine_ = Engine(source, Transcriber(network, config, rate), Fanout([sink]), NoView())
    before = engine_.run().notes
    assert silent == [True]
    assert before > 5
    assert_well_formed(sink.events)
