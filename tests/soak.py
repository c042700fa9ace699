"""Hours of playing: memory, latency and losses. python tests/soak.py [MINUTES [HOURS]]

MINUTES at true pace through JACK, with all processes of ``notewire run``; a tenth of them more
beside two busy loops; then HOURS of sound through the engine alone, as fast as it goes.
"""

from __future__ import annotations

import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import torch
from faults import Stage
from jack_server import mortal_server

from notewire.bridge.event_log import EventLog
from notewire.bridge.fanout import Fanout
from notewire.bridge.midi_file import MidiFile
from notewire.bridge.zeromq import ZeroMqPublisher, subscribe
from notewire.daemon.engine import Engine
from notewire.daemon.sources import demo_audio
from notewire.daemon.views import NoView
from notewire.models.library import open_model
from notewire.models.transcriber import Transcriber
from notewire.streaming.contracts import AudioBlock

EVERY_S = 5.0
WARM_UP = 0.2  # of the run, in which caches fill
GROWTH = 0.02
DRIFT_MS = 5.0
NOTICED_S = 0.25  # a heartbeat may itself be so late
LINE = re.compile(r"^ *([\d.]+) s .* (\d+) ms after it sounded$", re.MULTILINE)


def at_true_pace(minutes: float) -> None:
    """The whole program for ``minutes``."""
    with mortal_server() as server, tempfile.TemporaryDirectory() as name:
        words = Path(name) / "said"
        with words.open("w") as said, closing(Stage(server, Path(name), DRAW, said)) as stage:
            memory = list(_memory(stage.engine, minutes * 60))
            stage.engine.send_signal(signal.SIGINT)
            assert stage.engine.wait(30) == 0
            assert not stage.books.held
            _judge(f"{minutes:g} min through JACK", memory)
            _judge_latency(words.read_text())


def under_load(minutes: float) -> None:
    """Beside two busy loops sound may be lost, but not in silence."""
    with mortal_server() as server, tempfile.TemporaryDirectory() as name:
        words = Path(name) / "said"
        with words.open("w") as said, closing(Stage(server, Path(name), DRAW, said)) as stage:
            with busy(2):
                missing = _missing(stage.bus, minutes * 60)
            stage.engine.send_signal(signal.SIGINT)
            assert stage.engine.wait(30) == 0
            assert not stage.books.held
        report = words.read_text().strip().splitlines()[-1]
    print(f"{minutes:g} min beside two busy loops: {missing:.2f} s did not arrive; {report}")
    assert missing < NOTICED_S or "nothing lost" not in report


def _missing(bus: str, seconds: float) -> float:
    """By how much the stream, as its heartbeat has it, falls behind the clock; seconds."""
    with subscribe(bus, "health", timeout=60) as told:
        first, begun = next(told).header.time, time.monotonic()
        for message in told:
            passed = time.monotonic() - begun
            if passed > seconds:
                return passed - (message.header.time - first)
    raise AssertionError("the bus fell silent")


@contextmanager
def busy(loops: int) -> Iterator[None]:
    """Other programs take all the processors that they can get."""
    command = [sys.executable, "-c", "while True: pass"]
    others = [subprocess.Popen(command) for _ in range(loops)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def as_fast_as_it_goes(hours: float) -> None:
    """Engine and sinks, without the clock."""
    torch.set_num_threads(1)  # as the program itself
    network, model = open_model("piano")
    with tempfile.TemporaryDirectory() as name:
        source = Endless(hours)
        transcriber = Transcriber(network, model, source.rate)
        rate, folder = transcriber.rate, Path(name)
        bus = ZeroMqPublisher(rate, f"ipc://{folder}/bus")
        sinks = [bus, EventLog(folder / "take.jsonl", rate), MidiFile(folder / "take.mid", rate)]
        summary = Engine(source, transcriber, Fanout(sinks), NoView(), bus).run()
    print(summary)
    _judge(f"{hours:g} h of sound", source.memory)


class Endless:
    """The demo, over and over, in blocks of a second; notes its process's memory on the way."""

    name, lost, glitches = "endless", 0, 0

    def __init__(self, hours: float) -> None:
        self._song, self.rate = demo_audio(19.0)
        self._blocks, self.memory = int(hours * 3600), list[float]()

    def __iter__(self) -> Iterator[AudioBlock]:
        for number in range(self._blocks):
            start = number * self.rate
            if number % 60 == 0:
                self.memory.append(_resident_mb("self"))
            yield AudioBlock(start, self._song.take(range(start, start + self.rate), mode="wrap"))

    def close(self) -> None: ...


def _memory(process: subprocess.Popen[bytes], seconds: float) -> Iterator[float]:
    """MB of a process and its children, now and then."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(EVERY_S)
        assert process.poll() is None
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        yield sum(_resident_mb(number) for number in [str(process.pid), *children])


def _resident_mb(process: str) -> float:
    text = Path(f"/proc/{process}/status").read_text()
    return int(text.partition("VmRSS:")[2].split()[0]) / 1024


def _judge(what: str, memory: list[float]) -> None:
    warm = memory[int(WARM_UP * len(memory)) :]
    first, *_, last = (float(np.median(part)) for part in np.array_split(warm, 4))
    print(f"{what}: {first:.1f} MB after warming up, {last:.1f} MB later")
    assert last < (1 + GROWTH) * first


def _judge_latency(said: str) -> None:
    late = np.array([float(ms) for _, ms in LINE.findall(said)])
    first, *_, last = (float(np.median(part)) for part in np.array_split(late, 4))
    print(f"{len(late)} notes; latency {first:.0f} ms at first, {last:.0f} ms at last")
    print(said.strip().splitlines()[-1])
    assert abs(last - first) < DRIFT_MS


DRAW = random.Random(1)


def main(minutes: float = 30.0, hours: float = 8.0) -> None:
    at_true_pace(minutes)
    under_load(minutes / 10)
    as_fast_as_it_goes(hours)


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))
