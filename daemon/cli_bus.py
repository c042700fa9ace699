"""Commands of those who listen to a running engine, or tell it something, over its bus."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .cli_options import ConfigFile
from .remote_words import EVERYTHING
from .settings import load_config

commands = typer.Typer()
Keys = Annotated[
    Path | None, typer.Option(help="Your folder of keys, for an engine that wants one.")
]
Control = Annotated[str | None, typer.Option(help="Where the engine takes commands.")]


@commands.command(context_settings={"ignore_unknown_options": True})  # -12 is a value
def control(
    what: Annotated[
        str,
        typer.Argument(help=f"{EVERYTHING}."),
    ],
    value: Annotated[str | None, typer.Argument(help="fast; 0.7; -12; ...")] = None,
    address: Control = None,
    keys: Keys = None,
    config: ConfigFile = None,
) -> None:
    """Tell a running `notewire run` what to do: panic ends every note on every output, at once."""
    from .remote import tell

    settings = load_config(config, {"bus.control": address})
    typer.echo(tell(what, value, settings.bus, keys))


@commands.command()
def keys(
    folder: Annotated[Path, typer.Argument(help="The engine's keys; made if there are none.")],
    client: Annotated[str, typer.Option(help="Who is to be let in.")] = "client",
) -> None:
    """Make keys, so that another computer may listen to the bus and command the engine.

    Then set bus.keys to the folder and bus.address to tcp://0.0.0.0:5556, say.
    """
    from ..bridge.keys import make_keys

    bundle = make_keys(folder, client)
    typer.echo(f"Carry {bundle} to the computer of {client}; keep {folder} to yourself")


@commands.command()
def page(
    port: Annotated[int, typer.Option(help="Of this computer, for the browser.")] = 5580,
    address: Annotated[str | None, typer.Option(help="The engine's bus.")] = None,
    control: Control = None,
    keys: Keys = None,
    origin: Annotated[
        list[str] | None,
        typer.Option(help="A page of yours that may come in: http://localhost:8000. Repeatable."),
    ] = None,
    config: ConfigFile = None,
) -> None:
    """Show what a running engine hears in a browser, and take its wishes: mode, panic."""
    from .page import show_page

    settings = load_config(config, {"bus.address": address, "bus.control": control})
    show_page(port, settings.bus, keys, origin or [])
