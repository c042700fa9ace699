"""Notes on a ZeroMQ bus: PUB, multipart ``[topic][header][body]``, see ``wire`` for these two.

Nothing here waits. Who listens too slowly loses messages, sees it in ``seq``, and is put right by
the heartbeat, which names every note that sounds.
"""

from __future__ import annotations

import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import zmq

from ..streaming.contracts import Bend, Gesture, NoteEvent, NotewireError
from ..streaming.corrections import Correction
from .door import Door, approach
from .sounding import Sounding
from .wire import (
    Codec,
    Header,
    HealthMessage,
    LatencyMessage,
    LevelMessage,
    Message,
    NoteBendMessage,
    NoteOffMessage,
    NoteOnMessage,
    NoteRevokeMessage,
    NoteUpdateMessage,
    PedalMessage,
    StateMessage,
    TakeMessage,
    TempoMessage,
    correction_to_wire,
    decode,
    decode_header,
    encode,
    gesture_to_wire,
    seconds,
    to_wire,
)

ADDRESS = "tcp://127.0.0.1:5556"
TOPICS: dict[type[Message], str] = {
    NoteOnMessage: "note.on",
    NoteOffMessage: "note.off",
    NoteBendMessage: "note.bend",
    NoteRevokeMessage: "note.revoke",
    NoteUpdateMessage: "note.update",
    PedalMessage: "pedal",
    TempoMessage: "tempo",
    TakeMessage: "take",
    LevelMessage: "level",
    LatencyMessage: "latency",
    HealthMessage: "health",
    StateMessage: "state",
}

LEVEL_EVERY_S = 0.1
HEARTBEAT_EVERY_S = 1.0
SILENCE_DB = -120.0  # JSON has no minus infinity


class ZeroMqPublisher:
    """Publishes on ``address``; ``rate`` is that of the events, Hz. For one thread.

    ``tick`` must be called now and then for the level and the heartbeat. keys: who may listen,
    see ``Door``, whose errors it raises; bends: whether they are told.
    """

    name = "ZeroMQ bus"

    def __init__(
        self,
        rate: int,
        address: str = ADDRESS,
        keys: Path | None = None,
        codec: Codec = "json",
        *,
        bends: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.rate, self._clock = rate, clock
        self._codec: Codec = codec
        self.session = secrets.token_hex(8)
        self._bends, self._pedal = bends, False
        self._sounding = Sounding()
        self._sent: Counter[str] = Counter()
        self._level, self._heartbeat = _Every(LEVEL_EVERY_S), _Every(HEARTBEAT_EVERY_S)
        self._door = Door(address, zmq.PUB, keys)
        self._socket, self.address = self._door.socket, self._door.address

    def send(self, event: NoteEvent) -> None:
        self._sounding.hear(event)
        self._publish(to_wire(event, self.rate), event.emitted)

    def correct(self, correction: Correction) -> None:
        """Take back, put right or add what was said too soon."""
        self._publish(correction_to_wire(correction, self.rate), correction.emitted)
        self._sounding.correct(correction)

    def tick(self, now: int, level_db: float) -> None:
        """Say how loud it is, ten times a second at most, and once a second what sounds.

        now: samples consumed, at the rate of the events; level_db: dBFS.
        """
        self._sounding.now = max(self._sounding.now, now)
        clock = self._clock()
        if self._level.due(clock):
            self._publish(LevelMessage(round(max(SILENCE_DB, level_db), 1)), now)
        if self._heartbeat.due(clock):
            self._publish(HealthMessage(self._held(), self._pedal), now)

    def gesture(self, gesture: Gesture) -> None:
        """Say how a sounding note bends, where that is wanted, and what the pedal does."""
        if isinstance(gesture, Bend) and not self._bends:
            return
        self._pedal = self._pedal if isinstance(gesture, Bend) else gesture.down
        self._publish(gesture_to_wire(gesture, self.rate), gesture.emitted)

    def tell(self, message: TempoMessage | TakeMessage | LatencyMessage) -> None:
        """Say where the DAW's song stands, that a take began or ended, or how late notes are."""
        self._publish(message, self._sounding.now)

    def standing(self) -> tuple[str, dict[str, int], list[NoteOnMessage]]:
        """Session, messages published by topic, and what sounds: what a late client needs."""
        return self.session, dict(self._sent), self._held()

    def state(self, state: str) -> None:
        """Say, in one word, what the program does now."""
        self._publish(StateMessage(state), self._sounding.now)

    def close(self) -> None:
        """End what sounds, say ``stopped``, and give the address back."""
        if self._socket.closed:
            return
        for off in self._sounding.offs():
            self.send(off)
        self.state("stopped")
        self._door.close()

    def _held(self) -> list[NoteOnMessage]:
        notes = (to_wire(note, self.rate) for note in self._sounding.notes.values())
        return [note for note in notes if isinstance(note, NoteOnMessage)]

    def _publish(self, message: Message, now: int) -> None:
        topic = TOPICS[type(message)]
        header = Header(self.session, self._sent[topic], seconds(now, self.rate))
        self._sent[topic] += 1  # also of what is dropped: the jump tells of the loss
        parts = [topic.encode(), *(encode(part, self._codec) for part in (header, message))]
        try:
            self._socket.send_multipart(parts, zmq.NOBLOCK)
        except zmq.Again:
            return


class Received(NamedTuple):
    """A message of the bus, read back."""

    topic: str
    header: Header
    body: Message


@contextmanager
def subscribe(
    address: str = ADDRESS,
    topic: str = "",
    timeout: float | None = None,
    keys: Path | None = None,
) -> Iterator[Iterator[Received]]:
    """``with subscribe() as messages: for message in messages: ...``

    topic: how it has to begin; timeout: seconds of silence after which the messages end, None to
    wait for ever; keys: the client's folder, see ``keys.py``. The iterator raises NotewireError
    for what it does not understand.
    """
    with zmq.Context() as context, context.socket(zmq.SUB) as socket:
        socket.setsockopt(zmq.RCVTIMEO, -1 if timeout is None else round(timeout * 1000))
        connect(socket, address, topic, keys)
        yield _messages(socket, address)


def connect(
    socket: zmq.Socket[Any], address: str, topic: str = "", keys: Path | None = None
) -> None:
    """Make a SUB socket hear the bus at ``address``. Raises NotewireError if that is no address."""
    socket.setsockopt_string(zmq.SUBSCRIBE, topic)
    try:
        approach(socket, address, keys)
    except zmq.ZMQError as error:
        cure = "write it as tcp://127.0.0.1:5556"
        raise NotewireError(f"there is no bus at {address}: {error}; {cure}") from error


def _messages(socket: zmq.Socket[bytes], address: str) -> Iterator[Received]:
    while True:
        try:
            parts = socket.recv_multipart()
        except zmq.Again:
            return
        yield read_message(parts, address)


def read_message(parts: list[bytes], address: str) -> Received:
    """One message of the bus. Raises NotewireError for what is none."""
    try:
        topic, header, body = parts
        return Received(topic.decode(), decode_header(header), decode(body))
    except (ValueError, msgspec.DecodeError) as error:
        cure = "does another program publish there?"
        raise NotewireError(f"{address}: not a message of Notewire: {error}; {cure}") from error


class _Every:
    """True at once, and then when ``period`` seconds have passed since the last time."""

    def __init__(self, period: float) -> None:
        self._period, self._next = period, float("-inf")

    def due(self, now: float) -> bool:
        if now < self._next:
            return False
        self._next = now + self._period
        return True
