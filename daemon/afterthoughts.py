"""What a longer look at the same sound comes to: a better take, and corrections on the bus."""

from __future__ import annotations

from collections.abc import Sequence

from ..bridge.fanout import Fanout
from ..bridge.zeromq import ZeroMqPublisher
from ..models.transcriber import Transcriber
from ..streaming.contracts import NoteEvent
from ..streaming.corrections import Correction, Corrector
from .outputs import Expressive


class Afterthoughts:
    """The second thoughts of ``transcriber``: to ``takes`` as notes, to ``bus`` as corrections.

    bus: None if it is not to be corrected; expressive: the takes, for the pedal. Does nothing
    where the transcriber has none.
    """

    def __init__(
        self,
        transcriber: Transcriber,
        takes: Fanout,
        bus: ZeroMqPublisher | None = None,
        expressive: Sequence[Expressive] = (),
    ) -> None:
        self.takes, self._transcriber, self._bus = takes, transcriber, bus
        self._expressive = expressive
        self._corrector = Corrector(transcriber.rate)

    def said(self, event: NoteEvent) -> None:
        """This was said at once."""
        if self._bus and self._transcriber.later:
            self._corrector.first(event)

    def say(self, muted: bool) -> None:
        """Pass on what came of it since the last time; no new note while muted."""
        if not self._transcriber.later:
            return
        thoughts = self._transcriber.second_thoughts()
        for event in thoughts.events:
            corrections = self._corrector.second(event)
            if not muted:
                self.takes.send(event)
                self._correct(corrections)
        for pedal in [] if muted else thoughts.pedals:
            for take in self._expressive:
                take.gesture(pedal)
        now = self._transcriber.position
        self._correct(self._corrector.judged(thoughts.since, thoughts.until, now))

    def _correct(self, corrections: Sequence[Correction]) -> None:
        if self._bus:
            for correction in corrections:
                self._bus.correct(correction)
