"""Which MIDI system of this computer to speak to, and how to open a port there."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Literal, Protocol

import rtmidi._rtmidi as rtmidi

from ..streaming.contracts import NotewireError
from .stderr import quiet_stderr

# stable, because people save connections by these names; JACK wants one for each client
CLIENT, PORT = "Notewire", "Notes"
CLOCK_CLIENT, CONTROL_CLIENT, IN_PORT = "Notewire Clock", "Notewire Control", "In"

VIRTUAL = "virtual"

Backend = Literal["alsa", "jack", "coremidi", "winmm"]

APIS: dict[Backend, int] = {
    "alsa": rtmidi.API_LINUX_ALSA,
    "jack": rtmidi.API_UNIX_JACK,
    "coremidi": rtmidi.API_MACOSX_CORE,
    "winmm": rtmidi.API_WINDOWS_MM,
}

# rtmidi's own choice stops at ALSA and never tries JACK.
ORDER: dict[str, tuple[Backend, ...]] = {"darwin": ("coremidi",), "win32": ("winmm",)}
UNIX: tuple[Backend, ...] = ("alsa", "jack")

CURES = {
    "darwin": "open Audio MIDI Setup once, which starts the MIDI server",
    "win32": "install loopMIDI, make a port in it and give its name, or that of a listed port",
}
UNIX_CURE = "load the ALSA sequencer (sudo modprobe snd-seq) or start a JACK server"

FAILURES = (rtmidi.RtMidiError, OSError, NotImplementedError)


class Port(Protocol):
    """What takes MIDI messages."""

    def send_message(self, message: list[int]) -> None: ...

    def close_port(self) -> None: ...


class Output(Port, Protocol):
    """An open MIDI port."""

    @property
    def backend(self) -> Backend: ...


class Client(Port, Protocol):
    """What we use of ``rtmidi.MidiOut``."""

    def get_ports(self) -> list[str]: ...

    def open_port(self, port: int, name: str) -> object: ...

    def open_virtual_port(self, name: str) -> object: ...

    def delete(self) -> None: ...


class _Opened:
    """An output whose client goes away with its port."""

    def __init__(self, client: Client, backend: Backend) -> None:
        self._client = client
        self.backend: Backend = backend
        self.send_message = client.send_message

    def close_port(self) -> None:
        self._client.close_port()
        self._client.delete()


def new_client(backend: Backend) -> Client:
    """A client of this MIDI system. Raises one of ``FAILURES`` if the system is not there."""
    # Asked for one it was built without, rtmidi would quietly take another.
    if APIS[backend] not in rtmidi.get_compiled_api():
        raise NotImplementedError("not part of python-rtmidi on this system")
    return rtmidi.MidiOut(APIS[backend], name=CLIENT)


def open_output(
    backend: Backend | None = None,
    port: str | None = None,
    *,
    platform: str = sys.platform,
    client: Callable[[Backend], Client] = new_client,
) -> Output:
    """Open the virtual port "Notewire:Notes", or the existing port whose name has ``port`` in it.

    ``backend`` None tries those of the platform in order. Raises NotewireError that says for each
    what is wrong, which ports there are, and what to do.
    """
    reasons: list[str] = []
    for candidate in (backend,) if backend else ORDER.get(platform, UNIX):
        try:
            with quiet_stderr():
                return _open(client(candidate), candidate, port)
        except FAILURES as error:
            reasons.append(f"{candidate}: {error}")
    cure = CURES.get(platform, "give the name of a listed port" if port else UNIX_CURE)
    raise NotewireError(f"no MIDI port could be opened ({'; '.join(reasons)}); {cure}")


def open_input(
    backend: Backend, name: str, wish: str, hear: Callable[[bytes], None]
) -> Callable[[], None]:
    """Take messages, from a port of our own where ``wish`` is "virtual", else from that one.

    name: of our client, and so of our port; hear: called from a thread of rtmidi's with each
    message. Gives what closes the port. Raises NotewireError if it cannot be opened.
    """
    try:
        with quiet_stderr():
            client = rtmidi.MidiIn(APIS[backend], name=name)
            if wish == VIRTUAL:
                client.open_virtual_port(_shown(backend, name, IN_PORT))
            else:
                client.open_port(_find(client.get_ports(), wish), IN_PORT)
    except FAILURES as error:
        cure = f"name an input that is there, or '{VIRTUAL}' for a port of our own"
        raise NotewireError(f"no input for {name} by {backend}: {error}; {cure}") from error
    client.ignore_types(sysex=True, timing=False, active_sense=True)
    client.set_callback(lambda event, _: hear(bytes(event[0])))
    return client.close_port


def list_ports(client: Callable[[Backend], Client] = new_client) -> dict[Backend, list[str]]:
    """Ports that notes could be sent to, for each MIDI system that works on this computer."""
    found: dict[Backend, list[str]] = {}
    for backend in APIS:
        try:
            with quiet_stderr():
                found[backend] = _ports(client(backend))
        except FAILURES:
            continue
    return found


def _ports(client: Client) -> list[str]:
    try:
        return client.get_ports()
    finally:
        client.delete()


def _open(client: Client, backend: Backend, port: str | None) -> Output:
    try:
        if port:
            client.open_port(_find(client.get_ports(), port), PORT)
        elif backend == "winmm":
            raise OSError(f"Windows has no virtual ports{_listed(client.get_ports())}")
        else:
            client.open_virtual_port(_shown(backend, CLIENT, PORT))
    except FAILURES:
        client.delete()
        raise
    return _Opened(client, backend)


def _shown(backend: Backend, client: str, port: str) -> str:
    """A port's name that people know it by: CoreMIDI shows none of its client."""
    return f"{client} {port}" if backend == "coremidi" else port


def _find(ports: list[str], wanted: str) -> int:
    """The one port with this name, or else with this in its name; letter case is the same."""
    names = [name.casefold() for name in ports]
    exact = [i for i, name in enumerate(names) if name == wanted.casefold()]
    found = exact or [i for i, name in enumerate(names) if wanted.casefold() in name]
    if len(found) != 1:
        many = "no" if not found else "more than one"
        raise OSError(f"{many} port is called '{wanted}'{_listed(ports)}")
    return found[0]


def _listed(ports: list[str]) -> str:
    return f", ports: {', '.join(ports)}" if ports else ", and there are no ports"
