"""systemd's end of the notify socket, held by the test."""

from __future__ import annotations

import os
import plistlib
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_cli import NOTEWIRE, QUIET

from notewire.bridge.service import Service
from notewire.daemon.sources import DEMO

DOCS = Path(__file__).parent.parent / "docs"
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no systemd")


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.bind(str(tmp_path / "notify"))
        made.settimeout(60.0)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield made


def test_the_watchdog_is_told_in_half_its_time(
    manager: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "10000000")
    now = [100.0]
    service = Service(lambda: now[0])
    for _ in range(3):
        service.pulse()
    now[0] += 5.0
    service.pulse()
    manager.settimeout(0.2)
    assert [manager.recv(64) for _ in range(2)] == 2 * [b"WATCHDOG=1"]
    with pytest.raises(TimeoutError):
        manager.recv(64)


@pytest.mark.parametrize("address", ["", "/no/such/socket", "@no such name"])
def test_without_a_manager_nothing_is_said(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    Service().ready()


def test_a_manager_that_does_not_read_delays_nothing(manager: socket.socket) -> None:
    service = Service()
    for _ in range(10_000):
        service.ready()


def test_an_engine_is_ready_alive_and_then_stopping(manager: socket.socket) -> None:
    command = [*NOTEWIRE, "run", "--file", str(DEMO), *QUIET, "--view", "off"]
    watched = os.environ | {"WATCHDOG_USEC": "200000"}
    with subprocess.Popen(command, env=watched, stderr=subprocess.DEVNULL) as running:
        assert manager.recv(64) == b"READY=1"
        assert manager.recv(64) == b"WATCHDOG=1"
        running.send_signal(signal.SIGTERM)
        while (said := manager.recv(64)) != b"STOPPING=1":
            assert said == b"WATCHDOG=1"
    assert running.returncode == 0


def test_the_service_files_name_what_there_is() -> None:
    unit = (DOCS / "notewire.service").read_text()
    (options,) = re.findall(r"^ExecStart=\S*/notewire run (.*)$", unit, re.MULTILINE)
    with (DOCS / "notewire.plist").open("rb") as file:
        assert plistlib.load(file)["ProgramArguments"][1:] == ["run", *options.split()]
