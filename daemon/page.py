"""``notewire page``: the bus in a browser, until Ctrl-C."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from ..bridge.browser import BrowserDoor
from ..bridge.signals import Stop, stop_on_signals
from .config import BusConfig
from .outputs import tell

PATIENCE_S = 0.2  # until a signal is heeded


def show_page(port: int, bus: BusConfig, keys: Path | None, origins: Sequence[str]) -> None:
    """Serve the page; Ctrl-C and SIGTERM end it. Raises NotewireError for a port that is taken.

    origins: of other pages that may come in.
    """
    door = BrowserDoor(port, bus.address, bus.control, keys, origins)
    tell(f"Open {door.address} in a browser; Ctrl-C ends")
    # ZeroMQ needs a loop that waits for sockets, which is not the usual one on Windows
    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        runner.run(_until_stopped(door))


async def _until_stopped(door: BrowserDoor) -> None:
    stop = Stop()
    with stop_on_signals(stop):
        serving = asyncio.create_task(door.run())
        while not (stop() or serving.done()):
            await asyncio.wait([serving], timeout=PATIENCE_S)
    serving.cancel()
    with suppress(asyncio.CancelledError):
        await serving
