"""``notewire run``: put the parts together, start in order, stop in reverse."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack, suppress

import torch

from ..bridge.control import Control, control_address
from ..bridge.event_log import EventLog
from ..bridge.fanout import Fanout
from ..bridge.midi_file import MidiFile
from ..bridge.midi_keeper import KeptOutput
from ..bridge.midi_port import MidiPort
from ..bridge.punctual import PunctualPort
from ..bridge.signals import Stop, stop_on_signals
from ..bridge.zeromq import ZeroMqPublisher
from ..models.library import open_model
from ..models.network import Network
from ..models.transcriber import Transcriber
from ..streaming.contracts import NotewireError, Sink
from .conductor import Conductor
from .config import BusConfig, Config, MidiConfig
from .engine import Engine
from .meters import LatencyMeter
from .sources import Source, open_source
from .steady import SteadyInput
from .views import NoView, PlainView, TerminalView, View

WARM_UP_HOPS = 10


def run_live(config: Config) -> None:
    """Transcribe until the source ends, Ctrl-C or SIGTERM.

    Files are opened last: a mistake in another setting must not empty an earlier take. Raises
    NotewireError for what cannot be opened, and for a take that could not be kept.
    """
    torch.set_num_threads(config.threads)
    stop = Stop()
    with stop_on_signals(stop), ExitStack() as opened:
        network, model = open_model(config.model, config.device)
        rate = model.vqt.rate
        _warm_up(network, model.vqt.hop)
        source, word = open_source(config.input, stop)
        opened.callback(source.close)
        decoder = config.decoder_for(model.decoder[config.mode])
        transcriber = Transcriber(network, model, source.rate, config.mode, decoder)
        bus, control = _bus(config.bus, rate)
        sinks: list[Sink] = [bus] if bus else []
        opened.callback(lambda: [sink.close() for sink in sinks])
        if control:
            opened.callback(control.close)
        port, keeper = _port(config.midi)
        meter = LatencyMeter()
        sinks += _timed(port, keeper, config.midi.latency_ms, meter, rate)
        sinks += _files(config, rate)
        if word:
            _tell(word)
        pulses = [part.pulse for part in (control, keeper) if part]
        engine = Engine(
            source, transcriber, Fanout(sinks), _view(config, source), bus, pulses, meter
        )
        if bus and control:
            control.act = Conductor(engine, bus, config, port).act
        if isinstance(source, SteadyInput) and keeper:
            source.on_return = lambda: _renew(keeper, source.name)
        summary = engine.run()
    _tell(str(summary))


def _warm_up(network: Network, hop: int) -> None:
    """The first hops are slow, while torch prepares itself: not the first notes."""
    with torch.inference_mode():
        silence, state = network.heads.weight.new_zeros(1, hop), None
        for _ in range(WARM_UP_HOPS):
            _, state = network(silence, state)


def _bus(config: BusConfig, rate: int) -> tuple[ZeroMqPublisher | None, Control | None]:
    """The bus and its ear for commands."""
    if not config.enabled:
        return None, None
    bus = ZeroMqPublisher(rate, config.address)
    try:
        return bus, Control(config.control or control_address(bus.address))
    except NotewireError:
        bus.close()
        raise


def _files(config: Config, rate: int) -> list[Sink]:
    sinks: list[Sink] = []
    if config.output.midi:
        sinks.append(MidiFile(config.output.midi, rate))
    if config.output.events:
        sinks.append(EventLog(config.output.events, rate))
    return sinks


def _port(config: MidiConfig) -> tuple[list[MidiPort], KeptOutput | None]:
    """The MIDI port; where a system has none and none was asked for, a word and no port."""
    if not config.enabled:
        return [], None
    try:
        keeper = KeptOutput(None if config.backend == "auto" else config.backend, config.port)
        port = MidiPort(config.channel, open_output=lambda *_: keeper)
    except NotewireError as error:
        if config.backend != "auto" or config.port:
            raise
        _tell(f"Going on without a MIDI port: {error}")
        return [], None
    return [port], keeper


def _timed(
    ports: list[MidiPort],
    keeper: KeptOutput | None,
    latency_ms: float | None,
    meter: LatencyMeter,
    rate: int,
) -> Sequence[Sink]:
    """The port as it is, or with every note equally late."""
    if keeper is None or latency_ms is None:
        return ports
    ms = f"{latency_ms:g} ms"
    _tell(f"MIDI leaves {ms} after the sound: set the delay of its track to -{ms}")
    return [PunctualPort(port, keeper, latency_ms / 1000, meter.sounded, rate) for port in ports]


def _renew(keeper: KeptOutput, source: str) -> None:
    """A JACK server that was gone took the port with it, and rtmidi does not notice."""
    if keeper.backend == "jack" and "JACK" in source:
        with suppress(NotewireError):  # the next note tries again
            keeper.reopen()


def _view(config: Config, source: Source) -> View:
    if config.view == "off":
        return NoView()
    if config.view == "on" or (sys.stdout is not None and sys.stdout.isatty()):
        title = f"Notewire · {config.model} · {config.mode} · {source.name} · Ctrl-C ends"
        return TerminalView(title)
    return PlainView()


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
