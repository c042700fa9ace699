"""Commands that look at this machine: its devices, its health, its latency."""

from __future__ import annotations

from typing import Annotated

import typer

from .cli_options import ConfigFile, Device, File, Input, Loopback, Model, Set
from .settings import assignments, load_config

commands = typer.Typer()


@commands.command()
def devices() -> None:
    """List audio inputs, MIDI ports and compute devices, by the names that settings take."""
    from .listing import print_devices

    print_devices()


@commands.command()
def doctor(
    seconds: Annotated[float, typer.Option(min=2.0, max=600.0, help="How long to listen.")] = 6.0,
    input: Input = None,
    loopback: Loopback = None,
    file: File = None,
    model: Model = None,
    device: Device = None,
    config: ConfigFile = None,
    set: Set = None,
) -> None:
    """Check input, level, hum, speed, bus and MIDI port, and say what to do; 1 if something is bad.

    Sends one note to the MIDI port, and listens whether it comes back.
    """
    flags = {"input.device": input, "input.loopback": loopback, "input.file": file}
    flags |= {"model": model, "device": device}
    settings = load_config(config, flags | assignments(set or []))
    from .doctor import examine

    if not examine(settings, seconds):
        raise typer.Exit(1)


@commands.command()
def calibrate(
    input: Input = None,
    output: Annotated[
        str | None, typer.Option(help="Output by name; else the one beside the input.")
    ] = None,
    config: ConfigFile = None,
    set: Set = None,
) -> None:
    """Measure what the input itself adds to the latency: clicks go out, and are heard again.

    Put the microphone near the loudspeaker, or connect the output to the input.
    """
    settings = load_config(config, {"input.device": input} | assignments(set or []))
    from .calibrate import calibrate as measure

    measure(settings.input, output)
