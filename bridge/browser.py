"""The bus in a browser: one page, and the bus's messages over WebSocket to whoever opened it.

It hears the bus as any client does, in a process of its own: a slow, dead or hostile browser never
delays a note. A message is ``{"header": ..., "body": ...}`` as on the bus; first comes a heartbeat
with all that sounds. What a browser sends is taken for a command and answered by the engine.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path

import msgspec
import zmq
import zmq.asyncio
from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Origin

from ..streaming.contracts import NotewireError
from .commands import Answer, Refused, read_command
from .control import ask, control_address
from .door import LARGEST
from .wire import (
    Header,
    HealthMessage,
    Message,
    NoteOffMessage,
    NoteOnMessage,
    NoteRevokeMessage,
    PedalMessage,
    encode,
)
from .zeromq import ADDRESS, connect, read_message

HOST = "127.0.0.1"
PORT = 5580
QUEUE = 500  # messages that a browser may lag behind; one that lags more has to come again
PAGE = Path(__file__).with_name("page.html")
CLOSE_S = 1.0  # for a browser to say goodbye
SILENCE_S = 3.0  # without a heartbeat: the engine is gone
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)

Queue = asyncio.Queue[str]


class BrowserDoor:
    """The page and its WebSockets on ``port`` of this computer; 0 takes a free one.

    bus, control, keys: where the engine is and what unlocks it, see ``subscribe`` and ``ask``;
    origins: of other pages that may come in, as "http://localhost:8000". Raises NotewireError
    if the port cannot be had.
    """

    def __init__(
        self,
        port: int = PORT,
        bus: str = ADDRESS,
        control: str | None = None,
        keys: Path | None = None,
        origins: Sequence[str] = (),
    ) -> None:
        self._bus, self._control, self._keys = bus, control or control_address(bus), keys
        self._socket = _listening(port)
        self._port: int = self._socket.getsockname()[1]
        ours = [f"http://{name}:{self._port}" for name in (HOST, "localhost")]
        self._origins = [Origin(origin) for origin in (*ours, *origins)]
        self._held: dict[int, NoteOnMessage] = {}
        self._pedal = False
        self._header, self._heard = Header("", 0, 0.0), 0.0
        self._queues: dict[ServerConnection, Queue] = {}

    @property
    def address(self) -> str:
        return f"http://{HOST}:{self._port}"

    async def run(self) -> None:
        """Serve until cancelled. Raises NotewireError if there can be no bus at its address."""
        with zmq.asyncio.Context() as context, context.socket(zmq.SUB) as bus:
            connect(bus, self._bus, keys=self._keys)
            async with serve(
                self._attend,
                sock=self._socket,
                origins=[*self._origins, None],  # None: no browser, and so no foreign page
                process_request=_page,
                max_size=LARGEST,
                compression=None,  # of no use on one computer
                close_timeout=CLOSE_S,
            ):
                while True:
                    self._hear(await bus.recv_multipart())
                    await asyncio.sleep(0)  # a burst must not keep the clients from being told

    def _hear(self, parts: list[bytes]) -> None:
        """Keep the books of what sounds, and pass the message on."""
        try:
            _, header, message = read_message(parts, self._bus)
        except NotewireError:
            return  # not ours
        self._keep(header, message)
        text = _text(header, message)
        for client, queue in list(self._queues.items()):
            self._give(client, queue, text)

    def _keep(self, header: Header, message: Message) -> None:
        if header.session != self._header.session:
            self._held, self._pedal = {}, False
        self._header, self._heard = header, time.monotonic()
        if isinstance(message, NoteOnMessage):
            self._held[message.id] = message
        elif isinstance(message, NoteOffMessage | NoteRevokeMessage):
            self._held.pop(message.id, None)
        elif isinstance(message, HealthMessage):
            self._held, self._pedal = {note.id: note for note in message.held}, message.pedal
        elif isinstance(message, PedalMessage):
            self._pedal = message.down

    def _give(self, client: ServerConnection, queue: Queue, text: str) -> None:
        """Never waits: who does not keep up is shown the door."""
        try:
            queue.put_nowait(text)
        except asyncio.QueueFull:
            self._queues.pop(client, None)
            client.transport.abort()

    async def _attend(self, client: ServerConnection) -> None:
        """One browser, from its coming to its going."""
        queue: Queue = asyncio.Queue(QUEUE)
        queue.put_nowait(self._standing())
        self._queues[client] = queue
        telling = asyncio.create_task(_tell(client, queue))
        try:
            async for command in client:
                answer = await asyncio.to_thread(self._answer, command)
                self._give(client, queue, msgspec.json.encode(answer).decode())
        except ConnectionClosed:
            pass
        finally:
            telling.cancel()
            self._queues.pop(client, None)

    def _answer(self, command: str | bytes) -> Answer:
        try:
            data = command.encode() if isinstance(command, str) else command
            return ask(self._control, read_command(data), self._keys)
        except (NotewireError, msgspec.DecodeError, UnicodeError) as error:
            return Refused(str(error))

    def _standing(self) -> str:
        """A heartbeat for one who has just come; of an engine that is silent nothing sounds."""
        alive = time.monotonic() - self._heard < SILENCE_S
        held = HealthMessage(list(self._held.values()), self._pedal) if alive else HealthMessage([])
        return _text(self._header, held)


async def _tell(client: ServerConnection, queue: Queue) -> None:
    with suppress(ConnectionClosed):
        while True:
            await client.send(await queue.get())


def _listening(port: int) -> socket.socket:
    try:
        return socket.create_server((HOST, port))
    except (OSError, OverflowError) as error:
        cure = "choose another with --port"
        raise NotewireError(f"the page cannot be at port {port}: {error}; {cure}") from error


def _text(header: Header, body: Message) -> str:
    return f'{{"header":{encode(header).decode()},"body":{encode(body).decode()}}}'


def _page(_: ServerConnection, request: Request) -> Response | None:
    """The page for who asks for it; None lets a WebSocket through."""
    if "Upgrade" in request.headers:
        return None
    if request.path != "/":
        return Response(HTTPStatus.NOT_FOUND, "Not Found", Headers(), b"there is only /\n")
    headers = Headers({"Content-Type": "text/html; charset=utf-8", "Connection": "close"})
    headers["Content-Security-Policy"] = POLICY
    body = PAGE.read_bytes()
    headers["Content-Length"] = str(len(body))
    return Response(HTTPStatus.OK, "OK", headers, body)
