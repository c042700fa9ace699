"""Break what can break, at random, and see that no note hangs: python tests/faults.py 200 [SEED]

``notewire run`` hears the demo through a real JACK server, and a program like a DAW takes its MIDI.
Each fault strikes while a note sounds. What sounded must end in time, and notes must come again.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from jack_server import MortalServer, mortal_server
from test_cli import NOTEWIRE

from notewire.bridge.commands import Panic, Reload, SetMode, SetTranspose
from notewire.bridge.control import ask
from notewire.bridge.midi_keeper import STALL_S, SUSTAIN
from notewire.models.config import MODES, Mode

RIG = Path(__file__).with_name("jack_rig.py")
OFF_S = 0.25  # within which a note ends
LONGEST_S = 15.0  # that a note of the demo may sound
BACK_S = 5.0  # within which notes come again after a device's return
SLACK_S = 5.0  # waited for an end that is late, to say how late it is
START_S = 60.0  # for a program to start on a busy machine


PEDAL = -SUSTAIN  # no pitch
Struck = tuple[int, float]  # pitch, and when


@dataclass
class Books:
    """What the DAW got; the pedal counts as a note that must not hang."""

    held: dict[int, float] = field(default_factory=dict)  # pitch -> since when
    ends: dict[Struck, float] = field(default_factory=dict)
    notes: int = 0

    def hear(self, when: float, status: int, pitch: int, velocity: int) -> None:
        if status & 0xF0 == 0x90 and velocity:
            self.held[pitch] = when
            self.notes += 1
        elif status & 0xF0 in (0x80, 0x90) and pitch in self.held:
            self.ends[pitch, self.held.pop(pitch)] = when
        elif status & 0xF0 == 0xB0 and pitch == SUSTAIN:
            self._tread(when, down=velocity >= 64)

    def _tread(self, when: float, down: bool) -> None:
        if down:
            self.held.setdefault(PEDAL, when)
        elif PEDAL in self.held:
            self.ends[PEDAL, self.held.pop(PEDAL)] = when


class Rig:
    """The DAW's end, in a process that may be killed with its server."""

    def __init__(self) -> None:
        command = [sys.executable, str(RIG)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.books = Books()
        assert self._process.stdout
        assert self._process.stdout.readline() == "ready\n"
        self._ear = threading.Thread(target=self._listen, daemon=True)
        self._ear.start()

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._ear.join()

    def _listen(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            when, *data = line.split()
            if len(data) == 3:
                self.books.hear(float(when), *map(int, data))


class Stage:
    """The server, the DAW and the engine."""

    def __init__(
        self,
        server: MortalServer,
        folder: Path,
        draw: random.Random,
        said: IO[str] | int = subprocess.DEVNULL,
    ) -> None:
        """``said``: where the engine's words go."""
        self.server, self.draw, self._said = server, draw, said
        self.bus, self._settings = f"ipc://{folder}/bus", folder / "notewire.yaml"
        self.rig = Rig()
        try:
            self.start()
        except BaseException:
            self.close()
            raise

    @property
    def books(self) -> Books:
        return self.rig.books

    def start(self) -> None:
        self._mode: Mode = "fast"
        self.write(self._mode)
        command = [*NOTEWIRE, "run", "--input", "JACK Audio Connection Kit: rig"]
        command += ["--address", self.bus, "--config", str(self._settings)]
        self.engine = subprocess.Popen(command, stdout=self._said, stderr=self._said)
        self.sounding(START_S)

    def another_mode(self) -> Mode:
        """Not the one it is in: that would change nothing."""
        self._mode = self.draw.choice([mode for mode in MODES if mode != self._mode])
        return self._mode

    def write(self, mode: Mode) -> None:
        self._settings.write_text(f"mode: {mode}\npedal: true\nmidi: {{backend: jack}}\n")

    def sounding(self, patience: float) -> None:
        """Wait until new notes come, and one of them sounds."""
        before = self.books.notes
        until(lambda: self.books.notes > before and bool(self.books.held), patience, "a note")

    def ask(self, command: Panic | Reload | SetMode | SetTranspose) -> None:
        ask(f"{self.bus}.control", command)

    def close(self) -> None:
        self.engine.kill()
        self.engine.wait()
        self.rig.close()


def kill(stage: Stage) -> None:
    with ending(stage, OFF_S):
        stage.engine.kill()
    stage.engine.wait()
    stage.start()


def stop(stage: Stage) -> None:
    with ending(stage, OFF_S):
        stage.engine.send_signal(stage.draw.choice([signal.SIGINT, signal.SIGTERM]))
    assert stage.engine.wait(START_S) == 0
    assert not stage.books.held
    stage.start()


def stall(stage: Stage) -> None:
    """The engine sleeps; a sound card's own trouble looks the same."""
    with ending(stage, STALL_S + OFF_S):
        stage.engine.send_signal(signal.SIGSTOP)
    stage.engine.send_signal(signal.SIGCONT)
    stage.sounding(BACK_S)


def panic(stage: Stage) -> None:
    with ending(stage, OFF_S):
        stage.ask(Panic())
    stage.sounding(BACK_S)


def switch(stage: Stage) -> None:
    with ending(stage, OFF_S):
        stage.ask(SetMode(stage.another_mode()))
    stage.sounding(BACK_S)


def reload(stage: Stage) -> None:
    stage.write(stage.another_mode())
    with ending(stage, OFF_S):
        stage.ask(Reload())
    stage.sounding(BACK_S)


def transpose(stage: Stage) -> None:
    """What sounds keeps its pitch, and ends when its key does."""
    with ending(stage, LONGEST_S):
        stage.ask(SetTranspose(stage.draw.randint(-12, 12)))
    stage.sounding(BACK_S)


def unplug(stage: Stage) -> None:
    """The audio server dies, and with it the DAW's ports; both come back."""
    stage.server.die()
    stage.rig.close()
    time.sleep(stage.draw.uniform(0.0, 3.0))
    stage.server.revive()
    stage.rig = Rig()
    stage.sounding(BACK_S)


FAULTS: dict[Callable[[Stage], None], int] = {  # and how often
    kill: 2,
    stop: 2,
    stall: 4,
    panic: 4,
    switch: 3,
    reload: 3,
    transpose: 2,
    unplug: 2,
}


@contextmanager
def ending(stage: Stage, within: float) -> Iterator[None]:
    """What sounds now has ended ``within`` seconds of the fault."""
    until(lambda: bool(stage.books.held), BACK_S, "a note to end")
    begun, sounding, ends = time.monotonic(), set(dict(stage.books.held).items()), stage.books.ends
    yield
    until(lambda: sounding <= ends.keys(), within + SLACK_S, f"the end of {sounding}")
    late = {pitch: ends[pitch, since] - begun for pitch, since in sounding}
    assert max(late.values()) <= within, f"ended after so many seconds: {late}"


def until(truth: Callable[[], bool], patience: float, what: str) -> None:
    end = time.monotonic() + patience
    while not truth():
        assert time.monotonic() < end, f"waited {patience} s for {what}"
        time.sleep(0.005)


@contextmanager
def staged(draw: random.Random) -> Iterator[Stage]:
    with mortal_server() as server, tempfile.TemporaryDirectory() as folder:
        stage = Stage(server, Path(folder), draw)
        try:
            yield stage
        finally:
            stage.close()


def main(count: int = 200, seed: int | None = None) -> None:
    seed = seed if seed is not None else int.from_bytes(os.urandom(4))
    draw = random.Random(seed)
    print(f"{count} faults, seed {seed}")
    faults = draw.choices(list(FAULTS), list(FAULTS.values()), k=count)
    with staged(draw) as stage:
        for number, fault in enumerate(faults, 1):
            print(f"{number:4} {fault.__name__}", flush=True)
            fault(stage)
    done = Counter(fault.__name__ for fault in faults)
    print("No note hung:", ", ".join(f"{name} {times}" for name, times in done.items()))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
