"""The engine's ear for commands: a ROUTER socket beside the bus (see the ZeroMQ guide, Clone).

A REQ socket asks ``[command]`` and gets ``[answer]``. What is no command is refused, and nothing
that is sent can stop the engine or keep it waiting.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import zmq

from ..streaming.contracts import NotewireError
from .commands import Answer, AnyCommand, Refused, read_answer, read_command
from .door import Door, approach
from .wire import codec_of, encode

MOST_AT_ONCE = 20  # commands taken in one call: notes come first
ANSWER_MS = 2000


class Control:
    """Answers commands on ``address`` with what ``act`` says of them. For one thread.

    ``keys``: who may command, see ``Door``, whose errors it raises.
    """

    def __init__(self, address: str, keys: Path | None = None) -> None:
        self.act: Callable[[AnyCommand], Answer] = lambda _: Refused("not ready yet")
        self._door = Door(address, zmq.ROUTER, keys)
        self._socket, self.address = self._door.socket, self._door.address

    def pulse(self) -> None:
        """Carry out what has come. Never waits. Called many times a second."""
        for _ in range(MOST_AT_ONCE):
            try:
                parts = self._socket.recv_multipart(zmq.NOBLOCK)
            except zmq.ZMQError:
                return
            self._answer(parts)

    def close(self) -> None:
        """Give the address back. May be called twice."""
        self._door.close()

    def _answer(self, parts: list[bytes]) -> None:
        *envelope, request = parts
        try:
            answer = self.act(read_command(request))
        except msgspec.DecodeError as error:
            answer = Refused(str(error))
        try:
            reply = encode(answer, codec_of(request))
            self._socket.send_multipart([*envelope, reply], zmq.NOBLOCK)
        except zmq.ZMQError:
            return  # whoever asked is gone


def ask(address: str, command: AnyCommand, keys: Path | None = None) -> Answer:
    """Ask the engine at ``address``; for clients. Raises NotewireError if none answers.

    keys: the client's folder, where the engine asks for one.
    """
    with zmq.Context() as context, context.socket(zmq.REQ) as socket:
        socket.setsockopt(zmq.RCVTIMEO, ANSWER_MS)
        try:
            approach(socket, address, keys)
            socket.send(encode(command))
            return read_answer(socket.recv())
        except (zmq.ZMQError, msgspec.DecodeError) as error:
            cure = "is `notewire run` running, with this address in bus.control?"
            raise NotewireError(f"nobody answers at {address} ({error}); {cure}") from error


def control_address(bus: str) -> str:
    """Where commands go when nothing else is said: the port after the bus's."""
    front, _, port = bus.rpartition(":")
    if not bus.startswith("tcp://"):
        return f"{bus}.control"
    return f"{front}:{int(port) + 1}" if port.isdigit() else bus
