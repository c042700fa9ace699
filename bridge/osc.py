"""Notes as Open Sound Control over UDP, for Max, Pure Data, SuperCollider, TouchDesigner.

``/notewire/note/on pitch velocity id``, ``/notewire/note/off pitch 0 id`` and ``/notewire/pedal 1``
(down; 0: up), all integers: OSC's
32-bit floats could not tell the hours of a stream to the millisecond, and who gets a note has its
time. UDP loses what nobody reads; the offs of a clean end are sent twice.
"""

from __future__ import annotations

import re
import socket

from pythonosc.udp_client import SimpleUDPClient

from ..streaming.contracts import Gesture, NoteEvent, NoteOn, NotewireError, Pedal
from .sounding import Sounding

ON, OFF = "/notewire/note/on", "/notewire/note/off"
PEDAL = "/notewire/pedal"
ADDRESS = re.compile(r"(?P<host>[^:\s]+|\[[^]]+\]):(?P<port>\d{1,5})")


class OscSender:
    """Sends to ``address``, HOST:PORT. Raises NotewireError if that is none."""

    name = "OSC"

    def __init__(self, address: str) -> None:
        self._sounding, self._closed, self._pedal = Sounding(), False, False
        self._client = _client(address)

    def send(self, event: NoteEvent) -> None:
        """Never waits. Raises OSError where the system has no way there; the next may go."""
        if isinstance(event, NoteOn):
            self._client.send_message(ON, [event.pitch, event.velocity, event.id])
        else:
            self._client.send_message(OFF, [event.pitch, 0, event.id])
        self._sounding.hear(event)

    def gesture(self, gesture: Gesture) -> None:
        """The pedal; OSC has no bends."""
        if isinstance(gesture, Pedal):
            self._client.send_message(PEDAL, int(gesture.down))
            self._pedal = gesture.down

    def close(self) -> None:
        """End all that sounds, and let the pedal up."""
        if self._closed:
            return
        self._closed = True
        if self._pedal:
            self._client.send_message(PEDAL, 0)
        for off in 2 * self._sounding.offs():
            self.send(off)


def _client(address: str) -> SimpleUDPClient:
    place = ADDRESS.fullmatch(address)
    if not place or not 0 < int(place["port"]) <= 65535:
        raise NotewireError(f"OSC cannot go to {address}: write it as HOST:PORT, 127.0.0.1:9000")
    try:
        # a name is looked up once: the system may take seconds for it, and a note cannot wait
        found = socket.getaddrinfo(place["host"].strip("[]"), None, type=socket.SOCK_DGRAM)
        found.sort(key=lambda each: each[0] != socket.AF_INET)  # where most programs listen
        return SimpleUDPClient(str(found[0][4][0]), int(place["port"]))
    except OSError as error:
        raise NotewireError(f"OSC cannot go to {address}: {error}; is the host right?") from error
