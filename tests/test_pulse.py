"""A PulseAudio that dies and returns: the daemon lives on, and hears again five seconds later."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from test_cli import NOTEWIRE
from test_live_jack import ended, wait_for

from notewire.daemon.sources import DEMO

ALSA = Path("/usr/share/alsa/alsa.conf")
MICROPHONE = 'pcm.microphone { type pulse; device "mic.monitor"; hint { show on } }\n'

pytestmark = pytest.mark.skipif(
    not (shutil.which("pulseaudio") and shutil.which("paplay")),
    reason="pulseaudio and pulseaudio-utils are not installed",
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a private PulseAudio and ALSA find all of theirs."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("PULSE_RUNTIME_PATH", str(tmp_path))
    monkeypatch.setenv("PULSE_SERVER", f"unix:{tmp_path}/native")
    return tmp_path


@contextmanager
def pulseaudio(home: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A sound server without hardware; what is played into it is what its microphone hears."""
    (home / "native").unlink(missing_ok=True)
    command = ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no"]
    socket = f"module-native-protocol-unix auth-anonymous=1 socket={home}/native"
    command += ["-L", socket, "-L", "module-null-sink sink_name=mic rate=48000 channels=1"]
    silent = subprocess.DEVNULL
    with ended(subprocess.Popen(command, stdout=silent, stderr=silent)) as server:
        wait_for("PulseAudio", lambda: _ran(["pactl", "info"]))
        yield server


def _ran(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def by_portaudio(home: Path) -> list[str]:
    (home / ".asoundrc").write_text(MICROPHONE)
    return ["--input", "microphone"]


def by_soundcard(home: Path) -> list[str]:
    """As on Windows: no input that PortAudio knows carries the sound."""
    plug_ins = '"/etc/alsa/conf.d"'
    (home / "alsa.conf").write_text(ALSA.read_text().replace(plug_ins, ""))
    os.environ["ALSA_CONFIG_PATH"] = str(home / "alsa.conf")
    return ["--loopback"]


@pytest.mark.parametrize("listen", [by_portaudio, by_soundcard])
def test_a_server_that_dies_and_returns_is_heard_again(
    home: Path, monkeypatch: pytest.MonkeyPatch, listen: Callable[[Path], list[str]]
) -> None:
    log, errors = home / "log.jsonl", home / "errors"
    monkeypatch.setenv("ALSA_CONFIG_PATH", "")
    command = [*NOTEWIRE, "run", *listen(home), "--no-bus", "--no-midi", "--events", str(log)]

    def notes() -> int:
        return log.read_text().count('"note_on"') if log.exists() else 0

    with pulseaudio(home) as server, errors.open("w") as output:
        running = subprocess.Popen(command, stdout=output, stderr=output, env=dict(os.environ))
        with ended(running):
            assert _hears(notes), errors.read_text()
            server.kill()
            wait_for("the news", lambda: "input lost" in errors.read_text())
            with pulseaudio(home):
                back = time.monotonic()
                wait_for("the return", lambda: "input is back" in errors.read_text())
                print(f"in use again {time.monotonic() - back:.1f} s after the server's return")
                assert time.monotonic() - back < 5
                assert _hears(notes)
                running.send_signal(signal.SIGINT)
                assert running.wait(15) == 0
    said = log.read_text()
    assert said.count('"note_on"') == said.count('"note_off"')


def _hears(notes: Callable[[], int]) -> bool:
    """Whether new notes come while the demo is played."""
    before, silent = notes(), subprocess.DEVNULL
    with ended(subprocess.Popen(["paplay", "-d", "mic", str(DEMO)], stderr=silent)):
        wait_for("notes", lambda: notes() > before + 5)
    return True
