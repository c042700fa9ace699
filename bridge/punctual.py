"""A MIDI port whose notes all leave equally long after they sounded.

A note is known sooner or later, by some tens of milliseconds. Held back to one fixed delay they
keep the rhythm that was played, and one negative track delay in the DAW puts them in their place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..streaming.contracts import Gesture, NoteEvent, NoteOn
from .kept_output import KeptOutput
from .midi_port import MidiPort


class PunctualPort:
    """``port`` through ``output``, each event ``latency`` seconds after its moment.

    sounded: the moment of a stream position in seconds, on the monotonic clock; rate: of events.
    """

    name = "MIDI port"

    def __init__(
        self,
        port: MidiPort,
        output: KeptOutput,
        latency: float,
        sounded: Callable[[float], float],
        rate: int,
    ) -> None:
        self._port, self._output = port, output
        self._latency, self._sounded, self._rate = latency, sounded, rate

    def send(self, event: NoteEvent) -> None:
        """To leave on time; at once if it is late already."""
        with self._due(event.onset if isinstance(event, NoteOn) else event.offset):
            self._port.send(event)

    def gesture(self, gesture: Gesture) -> None:
        """The same for a bend or the pedal."""
        with self._due(gesture.at):
            self._port.gesture(gesture)

    @contextmanager
    def _due(self, moment: int) -> Iterator[None]:
        """What is sent within leaves ``latency`` after this sample."""
        self._output.when = self._sounded(moment / self._rate) + self._latency
        try:
            yield
        finally:
            self._output.when = None

    def close(self) -> None:
        self._port.close()
