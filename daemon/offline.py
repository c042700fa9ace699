"""``notewire transcribe``: files in, MIDI files out, each kept as soon as it is done."""

from __future__ import annotations

import sys
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

import torch
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from ..bridge.event_log import EventLog
from ..bridge.fanout import Fanout
from ..bridge.midi_file import MidiFile
from ..bridge.signals import Stop, stop_on_signals
from ..models.config import ModelConfig
from ..models.library import open_model
from ..models.network import Network
from ..models.transcriber import Transcriber
from ..streaming.contracts import Gesture, NoteEvent, NoteOn, NotewireError
from .audio_file import AudioFile
from .config import Config, most_patient
from .engine import Engine
from .sources import PacedFile
from .views import PlainView

File = EventLog | MidiFile


@dataclass(frozen=True)
class Job:
    """One file and where its notes go."""

    audio: Path
    midi: Path
    events: Path | None


def transcribe_files(
    files: list[Path], folder: Path, events: Path | None, config: Config, realtime: bool
) -> int:
    """Transcribe all that can be; 0, or 2 if any file could not be."""
    torch.set_num_threads(config.threads if realtime else config.threads_for_files())
    network, model = open_model(config.model, config.device)
    config.check(model)
    if "mode" not in config.model_fields_set:  # nobody waits: listen as long as is of use
        config = config.model_copy(update={"mode": most_patient(model.network.look_ahead)})
    failed = False
    with _progress() as progress:
        for job in plan(files, folder, events):
            try:
                if realtime:
                    _play(job, network, model, config)
                else:
                    _convert(job, network, model, config, progress)
            except NotewireError as error:
                failed = True
                print(f"notewire: {error}", file=sys.stderr)
    return 2 if failed else 0


def plan(files: list[Path], folder: Path, events: Path | None) -> list[Job]:
    """Names of the outputs: the file's own, with its ending too where two would be one."""
    stems = [file.stem for file in files]
    names = [f.stem if stems.count(f.stem) == 1 else f.name for f in files]
    names = [n if names.count(n) == 1 else f"{n}-{i}" for i, n in enumerate(names, 1)]
    logs = [events] * len(files)
    if events and len(files) > 1:
        logs = [events.with_name(f"{events.stem}-{name}{events.suffix}") for name in names]
    midis = [folder / f"{name}.mid" for name in names]
    return [Job(*parts) for parts in zip(files, midis, logs, strict=True)]


def _convert(
    job: Job, network: Network, model: ModelConfig, config: Config, progress: Progress
) -> None:
    """As fast as the machine can; what was heard before a fault in the file is kept."""
    source = AudioFile(job.audio)
    transcriber = _transcriber(network, model, source.rate, config)
    blocks = iter(source)
    first = list(islice(blocks, 1))  # a file that is bad from its start leaves no outputs
    bar = progress.add_task(escape(job.audio.name), total=source.seconds or None, notes=0)
    notes = 0
    with ExitStack() as opened:
        sinks = [opened.enter_context(closing(sink)) for sink in _sinks(job, transcriber.rate)]
        try:
            for block in chain(first, blocks):
                notes += _send(transcriber.feed(block), transcriber.gestures(), sinks)
                progress.update(bar, completed=block.end / source.rate, notes=notes)
        finally:
            _send(transcriber.flush(), transcriber.gestures(), sinks)
    progress.update(bar, total=1, completed=1)
    said = Text(f"{job.audio} -> {job.midi}: {notes} notes")
    progress.console.print(said, soft_wrap=True)


def _send(events: list[NoteEvent], gestures: list[Gesture], sinks: list[File]) -> int:
    """All of it to each sink; how many notes began. Here a sink that fails is an error."""
    for event in events:
        for sink in sinks:
            sink.send(event)
    for gesture in gestures:
        for sink in sinks:
            sink.gesture(gesture)
    return sum(isinstance(event, NoteOn) for event in events)


def _play(job: Job, network: Network, model: ModelConfig, config: Config) -> None:
    stop = Stop()
    source = PacedFile(job.audio, stop)
    transcriber = _transcriber(network, model, source.rate, config)
    files = _sinks(job, transcriber.rate)
    engine = Engine(source, transcriber, Fanout(files), PlainView(), expressive=files)
    with stop_on_signals(stop):
        print(engine.run(), file=sys.stderr)
    if stop():
        raise KeyboardInterrupt


def _transcriber(network: Network, model: ModelConfig, rate: int, config: Config) -> Transcriber:
    decoder = config.decoder_for(model.tuned(config.mode))
    return Transcriber(network, model, rate, config.mode, decoder, pedal=config.pedal)


def _sinks(job: Job, rate: int) -> list[File]:
    log: list[File] = [EventLog(job.events, rate)] if job.events else []
    return [*log, MidiFile(job.midi, rate)]


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:3.0f} %  {task.fields[notes]} notes"),
        TimeRemainingColumn(),
        transient=True,
    )
