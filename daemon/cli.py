"""The command line: what can be asked, and what of it is passed on. Heavy imports wait."""

from __future__ import annotations

import os
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..streaming.contracts import NotewireError
from . import cli_bus, cli_machine
from .cli_options import (
    ConfigFile,
    Device,
    Events,
    File,
    Files,
    Input,
    Loopback,
    Mode,
    Model,
    Sensitivity,
    Set,
)
from .settings import assignments, default_file, load_config

if TYPE_CHECKING:
    from .config import Config as Settings

app = typer.Typer(
    help="Hear music live and send its notes to a MIDI port, a message bus and files.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(cli_bus.commands)
app.add_typer(cli_machine.commands)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"notewire {version('notewire')}")
        raise typer.Exit


@app.callback()
def root(
    _version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
) -> None:
    """Hear music live and send its notes to a MIDI port, a message bus and files."""


@app.command()
def run(
    input: Input = None,
    loopback: Loopback = None,
    file: File = None,
    mode: Mode = None,
    model: Model = None,
    device: Device = None,
    sensitivity: Sensitivity = None,
    midi: Annotated[bool | None, typer.Option(help="Open the virtual MIDI port.")] = None,
    bus: Annotated[bool | None, typer.Option(help="Publish on the ZeroMQ bus.")] = None,
    address: Annotated[str | None, typer.Option(help="The bus's address.")] = None,
    events: Events = None,
    midi_file: Annotated[Path | None, typer.Option(help="Record the notes to this .mid.")] = None,
    view: Annotated[str | None, typer.Option(help="auto, on or off.")] = None,
    config: ConfigFile = None,
    set: Set = None,
) -> None:
    """Transcribe live: a microphone, the computer's own sound, or a file as it plays."""
    flags = {
        "input.device": input,
        "input.loopback": loopback,
        "input.file": file,
        "mode": mode,
        "model": model,
        "device": device,
        "decoder.sensitivity": sensitivity,
        "midi.enabled": midi,
        "bus.enabled": bus,
        "bus.address": address,
        "output.events": events,
        "output.midi": midi_file,
        "view": view,
    }
    flags |= assignments(set or [])
    settings = load_config(config, flags)
    from .live import run_live

    file = config or default_file(os.environ)
    run_live(settings, lambda: load_config(config, flags), file)


@app.command()
def transcribe(
    files: Files,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for the MIDI files.")
    ] = Path(),
    events: Annotated[
        Path | None, typer.Option(help="Event log, JSON lines; with several files one each.")
    ] = None,
    mode: Mode = None,
    model: Model = None,
    device: Device = None,
    sensitivity: Sensitivity = None,
    realtime: Annotated[
        bool, typer.Option("--realtime", help="As if each file were being played.")
    ] = False,
    config: ConfigFile = None,
    set: Set = None,
) -> None:
    """Turn sound files into MIDI files, through the same engine that runs live."""
    flags = {"mode": mode, "model": model, "device": device, "decoder.sensitivity": sensitivity}
    settings = load_config(config, flags | assignments(set or []))
    from .offline import transcribe_files

    raise typer.Exit(transcribe_files(files, output, events, settings, realtime))


@app.command()
def evaluate(
    paths: Annotated[list[Path], typer.Argument(help="Labelled recordings: files or folders.")],
    model: Model = None,
    mode: Annotated[str, typer.Option(help="fast, balanced, accurate, or all.")] = "all",
    json: Annotated[Path | None, typer.Option(help="Write the scores here too.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw the piano roll of a piece, PNG.")] = None,
    piece: Annotated[str | None, typer.Option(help="Part of the plotted piece's name.")] = None,
    peers: Annotated[
        Path | None, typer.Option(help="Others' notes: a folder of folders of <recording>.tsv.")
    ] = None,
    curve: Annotated[
        Path | None, typer.Option(help="Draw accuracy over latency, with the peers, PNG.")
    ] = None,
    robustness: Annotated[
        bool, typer.Option("--robustness", help="Also in rooms, noise, out of tune, clipped.")
    ] = False,
    device: Device = None,
    config: ConfigFile = None,
    set: Set = None,
) -> None:
    """Score a model on labelled recordings: accuracy beside latency.

    Over all, and by octave, velocity, notes at once and instrument.
    """
    flags = {"model": model, "device": device, "mode": None if mode == "all" else mode}
    settings = load_config(config, flags | assignments(set or []))
    from ..models.config import MODES
    from .scoring import Wishes, evaluate_paths

    modes = MODES if mode == "all" else (settings.mode,)
    evaluate_paths(paths, settings, modes, Wishes(json, plot, piece, peers, curve, robustness))


@app.command()
def data(
    paths: Annotated[list[Path], typer.Argument(help="Data sets as published, or folders.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write flac and tsv there, to train on.")
    ] = None,
    rate: Annotated[int, typer.Option(min=8_000, help="Sample rate written, Hz.")] = 16_000,
) -> None:
    """Find labelled recordings: MAPS, MAESTRO, MusicNet, GuitarSet, or .tsv or .mid beside audio.

    With --output they are written in one layout, mono flac and a tsv of notes; what is there
    already stays, so a run that was stopped goes on.
    """
    from .preparing import prepare_data

    prepare_data(paths, output, rate)


@app.command()
def gather(
    sources: Annotated[Path, typer.Argument(help="The list, YAML; see training/sources.yaml.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for it all.")] = Path(
        "data"
    ),
) -> None:
    """Fetch and render what a model learns from; what is there already stays."""
    from .preparing import gather_sources

    gather_sources(sources, output)


@app.command()
def train(
    config: Annotated[Path, typer.Argument(help="The run, YAML; see training/piano.yaml.")],
) -> None:
    """Train a network, or go on with a training that was stopped."""
    from .settings import load_yaml_as

    try:
        from ..training.config import TrainConfig
        from ..training.export import export_model
        from ..training.train import train as run_training
    except ImportError as error:
        raise NotewireError(f"{error.name} is missing: pip install 'notewire[train]'") from error
    weights = run_training(load_yaml_as(TrainConfig, config))
    typer.echo(f"Weights: {weights}; for live use: {export_model(weights)}")


@app.command()
def export(
    weights: Annotated[Path, typer.Argument(help="A .safetensors file.")],
) -> None:
    """Write down a model's live step, which then takes less than half of the processor's time.

    `notewire train` does it at its end; it is for weights that were changed since.
    """
    try:
        from ..training.export import export_model
    except ImportError as error:
        raise NotewireError(f"{error.name} is missing: pip install 'notewire[train]'") from error
    typer.echo(f"Written: {export_model(weights)}")


@app.command()
def bench(
    model: Model = None,
    seconds: Annotated[float, typer.Option(min=1.0, help="Music for each row.")] = 20.0,
    threads: Annotated[int | None, typer.Option(min=1, help="Processor threads.")] = None,
    device: Device = None,
    json: Annotated[Path | None, typer.Option(help="Write the figures here too.")] = None,
    config: ConfigFile = None,
    set: Set = None,
) -> None:
    """Measure the engine on this machine: time of one hop, share of real time, memory."""
    flags = {"model": model, "threads": threads, "device": device}
    settings = load_config(config, flags | assignments(set or []))
    from .bench import run_bench

    run_bench(settings, seconds, json)


@app.command(name="config")
def show_config(
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema.")] = False,
    config: ConfigFile = None,
    set: Set = None,
) -> None:
    """Print the effective settings, ready to be saved and changed."""
    typer.echo(_schema() if schema else _effective(load_config(config, assignments(set or []))))


def _schema() -> str:
    import json

    from .config import Config

    return json.dumps(Config.model_json_schema(), indent=2)


FOR_A_RUN = ("mode", "threads")


def _effective(settings: Settings) -> str:
    """YAML to save: what others choose where the user has not stays theirs."""
    import yaml

    values = settings.model_dump(mode="json")
    values["decoder"] = settings.decoder.model_dump(mode="json", exclude_unset=True)
    fields = ", ".join(type(settings.decoder).model_fields)
    note = f"# decoder: {fields}\n# are the model's own, tuned for each mode, until set here\n"
    for name in (each for each in FOR_A_RUN if each not in settings.model_fields_set):
        more = "in a run; transcribe takes more until it is set here"
        note += f"# {name}: {values.pop(name)}  # {more}\n"
    return note + yaml.safe_dump(values, sort_keys=False).rstrip()
