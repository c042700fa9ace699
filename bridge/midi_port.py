"""Notes to a MIDI port, as they come. Every key that was struck is released, however it ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from ..streaming.contracts import Bend, Gesture, NoteEvent, NoteOn, NotewireError
from .expression import MANAGER, MEMBERS, Expression, Voices, bend_message
from .midi_backends import Backend, Output, open_output

NOTE_OFF, NOTE_ON, CONTROL, PROGRAM = 0x80, 0x90, 0xB0, 0xC0
RELEASE_VELOCITY = 64  # what the MIDI standard says for "not measured"
ALL_NOTES_OFF, ALL_SOUND_OFF, SUSTAIN = 123, 120, 64

# JACK sends at the start of its next period, and what has not left dies with the port. Closing it,
# rtmidi waits for a period only where it was built with semaphores.
LEAVE_S = 0.1


class Part(NamedTuple):
    """The keys from ``lowest`` to ``highest`` on a channel, 1 to 16."""

    lowest: int
    highest: int
    channel: int


class MidiPort:
    """The virtual port "Notewire:Notes", or the existing port whose name has ``port`` in it.

    channel: 1 to 16; backend: the MIDI system, None for the first that works; velocities: 128 of
    them, see ``touch``; parts: keys that go to other channels, the first that holds a key;
    expression: whether notes bend, on their channel or with MPE each on one of its own. Raises
    NotewireError if there is no such channel or no port can be opened.
    """

    name = "MIDI port"

    def __init__(
        self,
        channel: int = 1,
        backend: Backend | None = None,
        port: str | None = None,
        velocities: Sequence[int] = range(128),
        parts: Sequence[Part] = (),
        expression: Expression = "off",
        *,
        open_output: Callable[[Backend | None, str | None], Output] = open_output,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._channels = _channels(channel, parts)
        self.velocities, self._sleep = velocities, sleep
        self._expression: Expression = expression
        self._voices = Voices() if expression == "mpe" else None
        self._lift = False  # the pedal is down where it should be up
        self._struck: dict[int, tuple[int, int]] = {}  # pitch: id of the note, its channel
        self._closed = False
        self._output = open_output(backend, port)

    def send(self, event: NoteEvent) -> None:
        """Strike or release a key. A key struck again is released first. Not after ``close``."""
        if self._closed:
            raise ValueError("the MIDI port is closed")
        if self._lift:
            self._tread(down=False)
        if isinstance(event, NoteOn):
            self._strike(event)
        elif self._holds(event.id, event.pitch):
            self._release(event.pitch)

    def gesture(self, gesture: Gesture) -> None:
        """Bend a sounding note, where it can be, or move the pedal."""
        if isinstance(gesture, Bend):
            self._bend_note(gesture)
        elif not self._closed:
            self._tread(gesture.down)

    def panic(self) -> None:
        """Release every key, then tell the instruments to be silent and lift their pedals."""
        for pitch in list(self._struck):
            self._release(pitch)
        for channel in sorted({MANAGER, *MEMBERS} if self._voices else set(self._channels)):
            if self._expression != "off":
                self._bend(channel, 0.0)
            for controller in (ALL_NOTES_OFF, ALL_SOUND_OFF, SUSTAIN):
                self._output.send_message([CONTROL | channel, controller, 0])

    def close(self) -> None:
        """Silence the instrument and take the port away. Takes ``LEAVE_S`` seconds."""
        if self._closed:
            return
        self._closed = True
        try:
            self.panic()
            self._sleep(LEAVE_S)
        finally:
            self._output.close_port()

    def _bend_note(self, bend: Bend) -> None:
        """Without MPE only one that sounds alone."""
        if self._expression == "off" or not self._holds(bend.id, bend.pitch):
            return
        if self._voices or len(self._struck) == 1:
            self._bend(self._struck[bend.pitch][1], bend.cents)

    def _tread(self, down: bool) -> None:
        """With MPE the pedal is the manager's. Up, if it fails, goes with the next note."""
        self._lift = not down
        for channel in [MANAGER] if self._voices else sorted(set(self._channels)):
            self._output.send_message([CONTROL | channel, SUSTAIN, 127 if down else 0])
        self._lift = False

    def _strike(self, note: NoteOn) -> None:
        self._release(note.pitch)
        channel = self._voices.take() if self._voices else self._channels[note.pitch]
        if self._expression != "off":
            self._bend(channel, 0.0)
        velocity = self.velocities[note.velocity]
        self._output.send_message([NOTE_ON | channel, note.pitch, velocity])
        self._struck[note.pitch] = note.id, channel

    def _release(self, pitch: int) -> None:
        if pitch not in self._struck:
            return
        channel = self._struck[pitch][1]
        self._output.send_message([NOTE_OFF | channel, pitch, RELEASE_VELOCITY])
        del self._struck[pitch]
        if self._voices:
            self._voices.give(channel)

    def _holds(self, number: int, pitch: int) -> bool:
        return self._struck.get(pitch, (None,))[0] == number

    def _bend(self, channel: int, cents: float) -> None:
        self._output.send_message(bend_message(channel, cents, self._expression))


def _channels(channel: int, parts: Sequence[Part]) -> list[int]:
    """The channel of each of the 128 pitches, from 0 as MIDI counts on the wire."""
    for number in (channel, *(part.channel for part in parts)):
        if not 1 <= number <= 16:
            raise NotewireError(f"there is no MIDI channel {number}; choose 1 to 16")
    return [
        next((part.channel for part in parts if part.lowest <= pitch <= part.highest), channel) - 1
        for pitch in range(128)
    ]
