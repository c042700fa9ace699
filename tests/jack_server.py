"""A private JACK server without hardware: real MIDI and audio ports on any Linux machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

import pytest

RATE = 48_000
READY_S = 10.0
REAL_TIME = ["-R", "-P70"], 256  # options, period in samples
PATIENT = ["-S", "-t", "5000"]  # milliseconds
ORDINARY = ["--no-realtime", "-S"], 1024


@contextmanager
def jack_server(patient: bool = False) -> Iterator[str]:
    """Run a server that the clients of this process and of its children find by default.

    ``patient``: it waits for a client that is late instead of losing the MIDI of that period.
    Gives the server's name. Skips the test where jackd is not installed. Every client has to be
    closed before the end: PortAudio hangs for ever on a server that is gone.
    """
    if not shutil.which("jackd"):
        pytest.skip("jackd is not installed (apt install jackd2)")
    name = f"notewire-{os.getpid()}"
    with _environment(name), _running(_command(name, patient)):
        yield name


class MortalServer:
    """A server that can be killed and started again; for tests without clients of their own."""

    def __init__(self, name: str) -> None:
        self._running: ExitStack = ExitStack()
        self.name = name
        self.revive()

    def revive(self) -> None:
        self._server = self._running.enter_context(_running(_command(self.name)))

    def die(self) -> None:
        self._server.kill()
        self._running.close()

    def close(self) -> None:
        """In good order: JACK remembers servers that were killed, and has room for eight."""
        if self._server.poll() is not None:
            self.revive()
        self._running.close()


@contextmanager
def mortal_server() -> Iterator[MortalServer]:
    if not shutil.which("jackd"):
        pytest.skip("jackd is not installed (apt install jackd2)")
    name = f"notewire-mortal-{os.getpid()}"
    with _environment(name):
        server = MortalServer(name)
        with closing(server):
            yield server


def jack_ports() -> list[str]:
    """Asked for by another process: a client of this one would hang when its server dies."""
    listing = subprocess.run(["jack_lsp"], capture_output=True, text=True, timeout=10, check=False)
    return listing.stdout.splitlines()


def _command(name: str, patient: bool = False) -> list[str]:
    options, period = REAL_TIME if _may_be_real_time() else ORDINARY
    options = [*options, *PATIENT] if patient else options
    return ["jackd", *options, "-n", name, "-d", "dummy", "-r", str(RATE), "-p", str(period)]


def _may_be_real_time() -> bool:
    return bool(shutil.which("chrt")) and _runs(["chrt", "-f", "1", "true"])


def _runs(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@contextmanager
def _environment(name: str) -> Iterator[None]:
    ours = {
        "JACK_DEFAULT_SERVER": name,
        "JACK_NO_START_SERVER": "1",
        "JACK_NO_AUDIO_RESERVATION": "1",
    }
    before = dict(os.environ)
    os.environ.update(ours)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def _running(command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_until_ready(server)
        yield server
    finally:
        server.terminate()
        try:
            server.wait(5)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait_until_ready(server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline and server.poll() is None:
        if "system:capture_1" in jack_ports():
            return
        time.sleep(0.05)
    raise RuntimeError(f"jackd was not ready after {READY_S} s: {server.args}")
