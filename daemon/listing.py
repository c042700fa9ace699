"""``notewire devices``."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from ..bridge.midi_backends import list_ports
from ..models.devices import available_devices
from ..models.library import shipped_models
from ..streaming.contracts import NotewireError
from .devices import AudioDevice, find_loopback, input_devices


def print_devices() -> None:
    """Audio inputs, MIDI ports, compute devices and models, as settings name them."""
    console = Console()
    console.print(_inputs())
    console.print(f"Loopback: {_loopback()}", markup=False, soft_wrap=True)
    for backend, ports in list_ports().items():
        said = ", ".join(ports) or "none yet"
        console.print(f"MIDI ports, {backend}: {said}", markup=False, soft_wrap=True)
    if not list_ports():
        console.print("MIDI: no MIDI system is running here")
    console.print(f"Compute devices: {', '.join(available_devices())}")
    console.print(f"Models: {', '.join(shipped_models())}")


def _inputs() -> Table | str:
    devices = input_devices()
    if not devices:
        return "Audio inputs: none (is a sound server running?)"
    table = Table(Column("Audio input", overflow="fold"), "Channels", "Rate", "Default")
    for device in devices:
        default = "yes" if device.default else ""
        table.add_row(escape(device.full_name), str(device.channels), f"{device.rate} Hz", default)
    return table


def _loopback() -> str:
    try:
        found = find_loopback(input_devices())
        return found.full_name if isinstance(found, AudioDevice) else found.name
    except NotewireError as error:
        return str(error)
