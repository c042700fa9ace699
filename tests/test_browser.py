"""The page, as browsers and others ask for it, on a real bus."""

from __future__ import annotations

import asyncio
import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from chromium import Chromium
from test_cli import assert_mistake, notewire
from test_late_client import Publisher
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from notewire.bridge.browser import BrowserDoor
from notewire.streaming.contracts import NotewireError

EXAMPLES = Path(__file__).parent.parent / "examples"
PATIENCE = 20.0
STORM = 30_000  # notes: more than the queue and the kernel hold


class Served(threading.Thread):
    """A page over a publisher."""

    def __init__(self, publisher: Publisher, origins: Sequence[str] = ()) -> None:
        super().__init__()
        bus, control = publisher.bus.address, publisher.control.address
        self.door = BrowserDoor(0, bus, control, origins=origins)
        self.started = threading.Event()
        self.start()
        self.started.wait()

    def run(self) -> None:
        with suppress(asyncio.CancelledError):
            asyncio.run(self._serve())

    async def _serve(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.task = asyncio.create_task(self.door.run())
        self.started.set()
        await self.task

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.task.cancel)
        self.join()

    def visit(self, origin: str | None = None) -> ClientConnection:
        return connect(self.door.address.replace("http", "ws"), origin=origin)  # type: ignore


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    with closing(Publisher()) as made:
        made.start()
        yield made


@pytest.fixture
def page(publisher: Publisher) -> Iterator[Served]:
    with closing(Served(publisher)) as served:
        yield served


def wait_for(visitor: ClientConnection, kind: str, number: int | None = None) -> dict:
    """The next body of its kind, and of a note the one with this id."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        said = json.loads(visitor.recv(PATIENCE))
        body = said.get("body", {})
        if body.get("type") == kind and number in (None, body.get("id")):
            return body
    raise TimeoutError(kind)


def drain(visitor: ClientConnection) -> None:
    for _ in range(3 * STORM):
        visitor.recv(PATIENCE)


def answer(visitor: ClientConnection, command: str) -> dict:
    visitor.send(command)
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if "header" not in (said := json.loads(visitor.recv(PATIENCE))):
            return said
    raise TimeoutError(command)


def test_notes_pass_and_who_comes_late_is_told_what_sounds(
    page: Served, publisher: Publisher
) -> None:
    with page.visit() as early:
        wait_for(early, "level")  # the bus is heard
        publisher.strike(1, 60)
        assert wait_for(early, "note_on")["pitch"] == 60
        with page.visit() as late:
            first = json.loads(late.recv(PATIENCE))
        assert [note["pitch"] for note in first["body"]["held"]] == [60]
        publisher.release(1, 60)
        assert wait_for(early, "note_off")["id"] == 1


def test_only_its_own_page_is_served(page: Served) -> None:
    with urllib.request.urlopen(page.door.address) as got:
        assert b"<canvas" in got.read()
        assert "default-src 'none'" in got.headers["Content-Security-Policy"]
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(page.door.address + "/../../etc/passwd")


def test_a_page_of_foreign_origin_gets_nothing(page: Served) -> None:
    for origin in ("http://evil.example", "null", f"{page.door.address}.evil.example"):
        with pytest.raises(InvalidStatus, match="403"):
            page.visit(origin)
    with page.visit(page.door.address) as visitor:
        wait_for(visitor, "level")


def test_commands_reach_the_engine_and_nonsense_does_not(page: Served) -> None:
    with page.visit() as visitor:
        assert answer(visitor, '{"type":"snapshot"}')["mode"] == "balanced"
        for nonsense in ("", "{}", "[1]", '{"type":"format","disk":"c"}', "\x00"):
            assert answer(visitor, nonsense)["type"] == "refused"


def test_who_never_reads_is_let_go_and_harms_nobody(page: Served, publisher: Publisher) -> None:
    with page.visit() as reader, page.visit() as sleeper:
        wait_for(reader, "level")
        for number in range(1, STORM + 1):
            publisher.strike(number, 60)
            publisher.release(number, 60)
            if number % 100 == 0:  # the bus itself drops what comes faster than it can go
                wait_for(reader, "note_off", number)
        with pytest.raises(ConnectionClosed):
            drain(sleeper)


def test_a_real_browser_shows_what_sounds(page: Served, publisher: Publisher) -> None:
    publisher.strike(1, 60)
    publisher.strike(2, 67)
    with Chromium(page.door.address) as browser:
        browser.wait_for("document.getElementById('held').textContent == '60 67'")
        browser.wait_for("document.getElementById('pedal').hidden")
        publisher.tread(down=True)
        publisher.release(1, 60)
        browser.wait_for("document.getElementById('held').textContent == '67'")
        browser.wait_for("!document.getElementById('pedal').hidden")
        browser.wait_for("document.getElementById('state').textContent == 'running'")
        publisher.revoke(2, 67)
        browser.wait_for("document.getElementById('held').textContent == ''")


def test_a_page_of_one_s_own_is_let_in_by_name(publisher: Publisher) -> None:
    """The example, served by another program."""
    show = partial(SimpleHTTPRequestHandler, directory=EXAMPLES)
    with ThreadingHTTPServer(("127.0.0.1", 0), show) as server:
        threading.Thread(target=server.serve_forever).start()
        ours = f"http://127.0.0.1:{server.server_port}"
        with closing(Served(publisher, [ours])) as served:
            publisher.strike(1, 60)
            door = served.door.address.replace("http", "ws")
            with Chromium(f"{ours}/browser.html?door={door}") as browser:
                browser.wait_for("document.title == '1 notes'")
                publisher.strike(2, 64)
                browser.wait_for("document.title == '2 notes'")
                publisher.release(1, 60)
                publisher.revoke(2, 64)
                browser.wait_for("document.title == '0 notes'")
        server.shutdown()


def test_a_taken_port_is_named() -> None:
    with closing(BrowserDoor(0)._socket) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(NotewireError, match="--port"):
            BrowserDoor(port)
        assert_mistake(notewire("page", "--port", str(port)), "--port")
