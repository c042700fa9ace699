"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ConfigFile = Annotated[Path | None, typer.Option("--config", "-c", help="Settings, YAML.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", help="Any setting: key=value, as `notewire config` names it."),
]
Input = Annotated[str | None, typer.Option(help="Input by name; see `notewire devices`.")]
Loopback = Annotated[
    bool | None, typer.Option("--loopback", help="Listen to what the computer plays.")
]
File = Annotated[
    Path | None, typer.Option(help="Listen to a file at its own pace instead; it is not heard.")
]
Mode = Annotated[
    str | None,
    typer.Option(
        help="fast, balanced or accurate: how long to listen at most; balanced, for files accurate."
    ),
]
Model = Annotated[str | None, typer.Option(help="piano, small, or a .safetensors file.")]
Device = Annotated[str | None, typer.Option(help="auto, cpu, cuda or mps.")]
Sensitivity = Annotated[
    float | None, typer.Option(help="0 misses more, 1 hears more; .5 is as tuned.")
]
Events = Annotated[Path | None, typer.Option(help="Write every note event here, JSON lines.")]
Files = Annotated[list[Path], typer.Argument(help="Sound files of any format.")]
