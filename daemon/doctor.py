"""``notewire doctor``: does everything on the way from the sound to the DAW work?"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from itertools import chain

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.markup import escape

from ..bridge.midi_port import MidiPort
from ..bridge.priority import REAL_TIME, go_first
from ..bridge.signals import Stop, stop_on_signals
from ..bridge.zeromq import ZeroMqPublisher
from ..models.config import ModelConfig
from ..models.library import open_model
from ..models.network import Network
from ..models.timing import time_hops
from ..models.transcriber import Transcriber
from ..streaming.contracts import AudioBlock, NoteOff, NoteOn, NotewireError
from .checkup import Finding, judge_capture, judge_priority, judge_sound, judge_speed
from .config import Config, MidiConfig
from .outputs import open_keeper
from .sources import Source, demo_audio, open_source

SPEED_S = 6.0  # of music, to measure hops with
PITCH, VELOCITY = 86, 90  # of the test note: high, so that nobody plays it by chance
BEGIN_S, LENGTH_S = 1.0, 0.5
ECHO_S = 1.0  # within which it would come back
PATIENCE_S = 3.0  # with an input that delivers nothing
MARKS = {"good": "[green]✓[/]", "warn": "[yellow]![/]", "bad": "[red]✗[/]"}


def examine(config: Config, seconds: float) -> bool:
    """Print what is found; True if nothing is bad. seconds: how long to listen."""
    console, healthy = Console(), True
    torch.set_num_threads(config.threads)
    with stop_on_signals(stop := Stop()):
        for finding in chain([_speed(config), _bus(config)], _listening(config, seconds, stop)):
            healthy &= finding.state != "bad"
            console.print(MARKS[finding.state], escape(finding.what), highlight=False)
            if finding.cure:
                cure = escape(finding.cure)
                console.print(f"  {cure}", style="dim", highlight=False, soft_wrap=True)
    return healthy and not stop()


def _listening(config: Config, seconds: float, stop: Stop) -> Iterator[Finding]:
    """What needs the input, and the port if there is one."""
    with ExitStack() as opened:
        try:
            source, missing = open_source(config.input, stop)
        except NotewireError as error:
            yield Finding("bad", "no input", str(error))
            return
        opened.callback(source.close)
        if missing:
            yield Finding("bad", "no audio input", "`notewire devices` lists what there is")
            return
        note, finding = _open_port(config, opened)
        yield finding
        if note and REAL_TIME:
            yield judge_priority(in_a_thread(go_first))
        told = f"listening to {source.name} for {seconds:g} s: play something, with a pause"
        yield Finding("good", told)
        yield from _heard(config, source, note, seconds)


def _heard(
    config: Config, source: Source, note: TestNote | None, seconds: float
) -> Iterator[Finding]:
    audio = _listen(source, note, seconds)
    if len(audio) < seconds / 2 * source.rate:
        yield Finding("bad", "the input stopped delivering sound", "is its cable in?")
        return
    yield judge_capture(source.lost, source.glitches, source.rate)
    yield from judge_sound(audio, source.rate)
    if note:
        yield _echo(config, audio, source.rate, note)


def _speed(config: Config) -> Finding:
    network, model = open_model(config.model, config.device)
    audio, rate = demo_audio(SPEED_S)
    transcriber = _transcriber(config, network, model, rate)
    hop = transcriber.hop / transcriber.rate
    times = time_hops(transcriber, audio, round(hop * rate))
    return judge_speed(float(np.percentile(times, 99)), hop)


def _transcriber(config: Config, network: Network, model: ModelConfig, rate: int) -> Transcriber:
    decoder = config.decoder_for(model.tuned(config.mode))
    return Transcriber(network, model, rate, config.mode, decoder)


def in_a_thread(do: Callable[[], bool]) -> bool:
    """Priority belongs to a thread: one that ends gives it back."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(do).result()


def _bus(config: Config) -> Finding:
    try:
        ZeroMqPublisher(1, config.bus.address, config.bus.keys).close()
    except NotewireError as error:
        return Finding("warn", "the bus cannot be opened: does a Notewire run?", str(error))
    return Finding("good", f"the bus can be at {config.bus.address}")


class TestNote:
    """A port of our own and one note that it sends. Raises NotewireError if there is no port."""

    def __init__(self, config: MidiConfig) -> None:
        self._output = open_keeper(config)
        self._port = MidiPort(config.channel, open_output=lambda *_: self._output)
        self.backend = self._output.backend
        self.begun: float | None = None
        self.failure = ""

    def pulse(self, now: float) -> None:
        """``now``: seconds of the stream. What goes wrong is kept in ``failure``."""
        try:
            self._output.pulse()
            if self.begun is None and now >= BEGIN_S:
                self._port.send(NoteOn(1, PITCH, VELOCITY, 0, 0))
                self.begun = now
            elif self.begun is not None and now >= self.begun + LENGTH_S:
                self._port.send(NoteOff(1, PITCH, 1, 1))
        except (OSError, NotewireError) as error:
            self.failure = str(error)

    def close(self) -> None:
        with suppress(OSError, NotewireError):
            self._port.close()


def _open_port(config: Config, opened: ExitStack) -> tuple[TestNote | None, Finding]:
    if not config.midi.enabled:
        return None, Finding("warn", "no MIDI port: midi.enabled is off")
    try:
        note = TestNote(config.midi)
    except NotewireError as error:
        return None, Finding("bad", "no MIDI port", str(error))
    opened.callback(note.close)
    told = f"a MIDI port, by {note.backend}: a high D goes to it after {BEGIN_S:g} s of listening"
    return note, Finding("good", told)


def _listen(source: Source, note: TestNote | None, seconds: float) -> NDArray[np.float32]:
    """So much of the input, or what came of it in that time and a little more."""
    blocks, patience = [np.zeros(0, np.float32)], time.monotonic() + seconds + PATIENCE_S
    for block in source:
        blocks.append(block.samples)
        if note:
            note.pulse(block.end / source.rate)
        if block.end >= seconds * source.rate or time.monotonic() > patience:
            break
    return np.concatenate(blocks)


def _echo(config: Config, audio: NDArray[np.float32], rate: int, note: TestNote) -> Finding:
    """Is the note that was sent heard again?"""
    if note.failure or note.begun is None:
        return Finding("bad", "no note could be sent to the MIDI port", note.failure)
    network, model = open_model(config.model, config.device)
    transcriber = _transcriber(config, network, model, rate)
    events = transcriber.feed(AudioBlock(0, audio)) + transcriber.flush()
    struck = [e for e in events if isinstance(e, NoteOn) and e.pitch == PITCH]
    if any(0 <= e.onset / transcriber.rate - note.begun < ECHO_S for e in struck):
        cure = "every note would come twice: take another input, or headphones"
        return Finding("bad", "the note that was sent came back into the input", cure)
    return Finding("good", "the note that was sent did not come back into the input")
