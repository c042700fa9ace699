"""Where the notes of a live run go: bus, MIDI port, files."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from ..bridge.control import Control, control_address
from ..bridge.event_log import EventLog
from ..bridge.expression import greeting
from ..bridge.kept_output import KeptOutput
from ..bridge.midi_file import MidiFile
from ..bridge.midi_keeper import Inputs
from ..bridge.midi_port import PROGRAM, MidiPort, Part
from ..bridge.osc import OscSender
from ..bridge.punctual import PunctualPort
from ..bridge.takes import Takes
from ..bridge.touch import touch
from ..bridge.zeromq import ZeroMqPublisher
from ..streaming.contracts import Gesture, NotewireError, Sink
from .config import BusConfig, Config, MidiConfig, OutputConfig
from .meters import LatencyMeter
from .timekeeper import Timekeeper


class Expressive(Protocol):
    """Who can be told how a sounding note bends and what the pedal does."""

    def gesture(self, gesture: Gesture) -> None: ...


class Outputs:
    """Everything that the settings ask for: ``sinks`` for notes, ``takes`` for second thoughts.

    ``pulses`` are to be called all the time. Files are opened last: a mistake in another setting
    must not empty an earlier take. Raises NotewireError for what cannot be opened, with the rest
    closed again. rate: of the events, Hz.
    """

    def __init__(self, config: Config, rate: int, latency: LatencyMeter) -> None:
        self.sinks: list[Sink] = []
        self.takes: list[Sink] = []
        self.recorder: Takes | None = None
        self.expressive: list[Expressive] = []
        self.expressive_takes: list[Expressive] = []
        self.bus: ZeroMqPublisher | None = None
        self.control: Control | None = None
        self.keeper: KeptOutput | None = None
        self.ports: list[MidiPort] = []
        self.pulses: list[Callable[[], None]] = []
        try:
            self._open_bus(config.bus, rate)
            self._open_port(config.midi)
            self.timekeeper = Timekeeper(latency, rate, self.bus)
            if keeper := self.keeper:
                keeper.listeners.append(self.timekeeper.hear)
                latency.transit = lambda: keeper.transit
            self._connect_port(config.midi.latency_ms, rate, latency)
            if config.osc.address:
                self._add(OscSender(config.osc.address))
            self._open_files(config.output, rate)
        except BaseException:
            self._abandon()
            self.close()
            raise

    def _abandon(self) -> None:
        """Nothing was played yet: a file that is there already stays as it is."""
        for take in self.takes:
            if isinstance(take, MidiFile):
                take.abandon()

    def renew(self, source: str) -> None:
        """A JACK server that was gone took the port with it, and rtmidi does not notice."""
        if self.keeper and self.keeper.backend == "jack" and "JACK" in source:
            with suppress(NotewireError):  # the next note tries again
                self.keeper.reopen()

    def close(self) -> None:
        """May be called twice; also after the engine has closed the sinks."""
        for part in (self.control, *self.sinks, *self.takes):
            if part:
                part.close()

    def _open_bus(self, config: BusConfig, rate: int) -> None:
        """The bus and its ear for commands."""
        if config.enabled:
            self.bus = ZeroMqPublisher(
                rate, config.address, config.keys, config.codec, bends=config.bends
            )
            self._add(self.bus)
            where = config.control or control_address(self.bus.address)
            self.control = Control(where, config.keys)
            self.pulses.append(self.control.pulse)

    def _open_port(self, config: MidiConfig) -> None:
        """The MIDI port; where a system has none and none was asked for, a word and no port."""
        if not config.enabled:
            if wish := config.listens:
                raise NotewireError(f"{wish} needs the MIDI port: set midi.enabled, or no {wish}")
            return
        try:
            keeper = open_keeper(config)
        except NotewireError as error:
            if config.backend != "auto" or config.port or config.listens:
                raise
            tell(f"Going on without a MIDI port: {error}")
            return
        self.keeper = keeper
        self.pulses.append(keeper.pulse)
        velocities = touch(**config.velocity.model_dump())
        port = MidiPort(
            config.channel,
            velocities=velocities,
            parts=[Part(part.lowest, part.highest, part.channel) for part in config.parts],
            expression=config.bend,
            open_output=lambda *_: keeper,
        )
        self.ports = [port]

    def _connect_port(self, latency_ms: float | None, rate: int, latency: LatencyMeter) -> None:
        """As soon as a note is known, or every note equally late."""
        for port in self.ports:
            way: MidiPort | PunctualPort = port
            if self.keeper and latency_ms is not None:
                ms = f"{latency_ms:g} ms"
                tell(f"MIDI leaves {ms} after the sound: set the delay of its track to -{ms}")
                way = PunctualPort(port, self.keeper, latency_ms / 1000, latency.sounded, rate)
            self._add(way)

    def _open_takes(self, folder: Path, rate: int) -> None:
        """The first take begins at once: nothing that is played is lost."""
        self.recorder = Takes(folder, rate, self.timekeeper.tempo)
        self._add_take(self.recorder)
        self.recorder.start(0)

    def _open_files(self, config: OutputConfig, rate: int) -> None:
        if config.midi:
            self._add_take(MidiFile(config.midi, rate, self.timekeeper.tempo))
        if config.takes:
            self._open_takes(config.takes, rate)
        if config.events:
            self._add(EventLog(config.events, rate))

    def _add(self, sink: ZeroMqPublisher | MidiPort | PunctualPort | OscSender | EventLog) -> None:
        self.sinks.append(sink)
        self.expressive.append(sink)

    def _add_take(self, take: Takes | MidiFile) -> None:
        self.takes.append(take)
        self.expressive_takes.append(take)


def open_keeper(config: MidiConfig) -> KeptOutput:
    """The port, in its own process. Raises NotewireError if there can be none."""
    sounds = [(part.channel, part.program) for part in (config, *config.parts)]
    programs = [[PROGRAM | channel - 1, sound - 1] for channel, sound in sounds if sound]
    first = greeting(config.bend, {channel - 1 for channel, _ in sounds}) + programs
    backend = None if config.backend == "auto" else config.backend
    return KeptOutput(backend, config.port, first, Inputs(config.clock, config.control))


def tell(text: str) -> None:
    """A word to the user, apart from what the program puts out."""
    print(text, file=sys.stderr, flush=True)
