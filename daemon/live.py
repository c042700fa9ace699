"""``notewire run``: put the parts together, start in order, stop in reverse."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
import torch

from ..bridge.commands import Done, Panic, Refused, Reload
from ..bridge.fanout import Fanout
from ..bridge.panic_button import PanicButton
from ..bridge.service import Service
from ..bridge.signals import Hangup, Stop, hangup_heard, stop_on_signals
from ..models.config import Mode, ModelConfig
from ..models.library import open_model
from ..models.network import Network
from ..models.transcriber import Transcriber
from ..streaming.decoding import DecoderConfig
from .afterthoughts import Afterthoughts
from .calibration import input_latency
from .conductor import Conductor
from .config import Config
from .engine import Engine
from .logs import log_to_stderr
from .meters import LatencyMeter, Summary
from .outputs import Outputs, tell
from .settings_watch import SettingsWatch
from .sources import Source, open_source
from .steady import SteadyInput
from .views import NoView, PlainView, TerminalView, View

if TYPE_CHECKING:
    from .metrics import Metrics

WARM_UP_HOPS = 10

log = structlog.get_logger()


def run_live(config: Config, reread: Callable[[], Config], file: Path | None = None) -> None:
    """Transcribe until the source ends, Ctrl-C or SIGTERM.

    reread: reads the settings again; file: where they come from, watched while it runs. Raises
    NotewireError for what cannot be opened, and for a take that could not be kept.
    """
    log_to_stderr(config.log.format, config.log.level)
    torch.set_num_threads(config.threads)
    stop = Stop()
    hangup = Hangup(stop)
    with stop_on_signals(stop), hangup_heard(hangup), ExitStack() as opened:
        network, model = open_model(config.model, config.device)
        config.check(model)
        _warm_up(network, model.vqt.hop)
        source, word = open_source(config.input, stop)
        opened.callback(source.close)
        transcriber = _transcriber(config, network, model, source)
        latency = LatencyMeter(device=input_latency(source.name))
        metrics = _metrics(config)
        if metrics:
            opened.callback(metrics.close)
        outputs = Outputs(config, transcriber.rate, latency)
        opened.callback(outputs.close)
        if word:
            tell(word)
        view = _view(config, source, metrics)
        engine = _engine(source, transcriber, outputs, latency, view, config.bus.corrections)
        ports, recorder = outputs.ports, outputs.recorder
        conductor = Conductor(engine, outputs.bus, config, ports, reread, recorder)
        _heed(conductor, outputs, file, hangup)
        summary = _serve(engine, outputs)
    tell(str(summary))


def _warm_up(network: Network, hop: int) -> None:
    """The first hops are slow, while torch prepares itself: not the first notes."""
    with torch.inference_mode():
        silence, state = network.heads.weight.new_zeros(1, hop), None
        for _ in range(WARM_UP_HOPS):
            _, state = network(silence, state)


def _transcriber(
    config: Config, network: Network, model: ModelConfig, source: Source
) -> Transcriber:
    def decoder(mode: Mode) -> DecoderConfig:
        return config.decoder_for(model.tuned(mode))

    second = config.second_mode(model.network.look_ahead)
    later = (second, decoder(second)) if second else None
    mode, bends = config.mode, config.midi.bend != "off" or config.bus.bends
    return Transcriber(network, model, source.rate, mode, decoder(mode), later, bends, config.pedal)


def _engine(
    source: Source,
    transcriber: Transcriber,
    outputs: Outputs,
    latency: LatencyMeter,
    view: View,
    corrections: bool,
) -> Engine:
    """The engine, with its answer to an input that comes back."""
    sinks, bus = Fanout(outputs.sinks), outputs.bus
    if isinstance(source, SteadyInput):
        source.on_return = lambda: outputs.renew(source.name)
    corrected = bus if corrections else None
    second = Afterthoughts(transcriber, Fanout(outputs.takes), corrected, outputs.expressive_takes)
    pulses, expressive = outputs.pulses, outputs.expressive
    return Engine(source, transcriber, sinks, view, bus, pulses, latency, second, expressive)


def _heed(conductor: Conductor, outputs: Outputs, file: Path | None, hangup: Hangup) -> None:
    """Take commands from the bus, panics by MIDI, settings on SIGHUP or when their file changes."""
    hangup.reload = lambda: _reload(conductor)
    outputs.pulses.append(hangup.pulse)
    if outputs.control:
        outputs.control.act = conductor.act
    if outputs.keeper:
        outputs.keeper.listeners.append(PanicButton(lambda: _panic(conductor)).hear)
    if file:
        watch = SettingsWatch(file, hangup.reload)
        conductor.on_reread = watch.seen
        outputs.pulses.append(watch.pulse)


def _serve(engine: Engine, outputs: Outputs) -> Summary:
    """Run, and tell the system's service manager, if one asks, that the engine lives."""
    service = Service()
    outputs.pulses.append(service.pulse)
    service.ready()
    try:
        return engine.run()
    finally:
        service.stopping()


def _panic(conductor: Conductor) -> None:
    answer = conductor.act(Panic())
    if isinstance(answer, Refused):
        log.warning("panic by MIDI", but=answer.reason)
    else:
        log.info("panic by MIDI")


def _reload(conductor: Conductor) -> None:
    answer = conductor.act(Reload())
    if isinstance(answer, Refused):
        log.warning("settings not taken", reason=answer.reason)
    else:
        log.info("settings read again", but=answer.but if isinstance(answer, Done) else "")


def _metrics(config: Config) -> Metrics | None:
    """Prometheus's view; before any file is opened, as its address may be taken."""
    if not config.metrics.address:
        return None
    from .metrics import Metrics

    metrics = Metrics(config.metrics.address)
    tell(f"Metrics at {metrics.address}")
    return metrics


def _view(config: Config, source: Source, metrics: Metrics | None) -> View:
    """What a person sees, through the metrics if there are such."""
    if not metrics:
        return _seen(config, source)
    metrics.view = _seen(config, source)
    return metrics


def _seen(config: Config, source: Source) -> View:
    if config.view == "off":
        return NoView()
    if config.view == "on" or (sys.stdout is not None and sys.stdout.isatty()):
        title = f"Notewire · {config.model} · {config.mode} · {source.name} · Ctrl-C ends"
        return TerminalView(title)
    return PlainView()
