"""Clicks over a way whose length is known: in arrays, and through a real sound system."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import jack
import numpy as np
import pytest
from jack_server import RATE, jack_server
from test_cli import NOTEWIRE, clip, notewire
from test_live_jack import wait_for

from notewire.daemon.calibration import input_latency, profiles_file
from notewire.daemon.meters import LatencyMeter
from notewire.daemon.round_trip import CLICKS, EVERY_S, clicks, round_trip
from notewire.streaming.contracts import NotewireError

DELAY = 1000  # samples of the cable
NAME = "JACK Audio Connection Kit: system"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def in_a_room(delay: int, noise: float = 0.01) -> np.ndarray:
    """The clicks, later and softer, with echoes behind them and noise."""
    draw = np.random.default_rng(4)
    way = np.zeros(delay + 4000)
    way[delay] = 0.2
    way[delay + 200 :] += 0.02 * draw.standard_normal(3800) * np.exp(-np.arange(3800) / 800)
    sound = np.convolve(clicks(RATE), way)[: len(clicks(RATE))]
    return sound + noise * draw.standard_normal(len(sound))


@pytest.mark.parametrize("delay", [0, 37, 5000, 15_000])
def test_the_way_is_measured_to_the_sample(delay: int) -> None:
    trip = round_trip(in_a_room(delay), RATE)
    assert trip.seconds * RATE == pytest.approx(delay, abs=1)
    assert trip.heard == CLICKS


def test_a_few_clicks_may_be_lost() -> None:
    sound, period = in_a_room(500), round(EVERY_S * RATE)
    sound[: 3 * period] = 0
    trip = round_trip(sound, RATE)
    assert (trip.heard, round(trip.seconds * RATE)) == (CLICKS - 3, 500)


def test_silence_and_noise_are_no_clicks() -> None:
    noise = 0.1 * np.random.default_rng(5).standard_normal(len(clicks(RATE)))
    for sound in (np.zeros(len(noise)), noise):
        with pytest.raises(NotewireError, match="turn the loudspeaker up"):
            round_trip(sound, RATE)


def test_clicks_at_all_distances_are_no_measure() -> None:
    period, sound = round(EVERY_S * RATE), clicks(RATE)
    parts = [np.roll(sound[:period], 700 * n) for n in range(CLICKS)]
    with pytest.raises(NotewireError, match="apart from each other"):
        round_trip(np.concatenate(parts), RATE)


def test_what_the_device_needs_counts_in_every_latency() -> None:
    meter = LatencyMeter(lambda: 1000.0, device=0.012)
    meter.arrived(5.0)
    assert meter.sounded(5.0) == pytest.approx(1000.0 - 0.012)
    assert meter.said(4.95, 5.0) == pytest.approx(0.062)


def calibrated(delay: int) -> float:
    """What ``notewire calibrate`` says, ms, over a cable that is ``delay`` samples long."""
    command = [*NOTEWIRE, "calibrate", "--input", NAME]
    with closing(jack.Client("cable")) as client:
        into: Any = client.inports.register("in")
        out: Any = client.outports.register("out")
        inside = np.zeros(delay, np.float32)

        def process(frames: int) -> None:
            nonlocal inside
            inside = np.concatenate([inside, into.get_array()])
            out.get_array()[:], inside = inside[:frames], inside[frames:]

        client.set_process_callback(process)
        client.activate()
        pipe = subprocess.PIPE
        running = subprocess.Popen(command, stdout=pipe, stderr=subprocess.STDOUT, text=True)
        wait_for("PortAudio", lambda: len(client.get_ports("PortAudio:.*_0")) == 2)
        client.connect("PortAudio:out_0", into)
        client.connect(out, "PortAudio:in_0")
        said, _ = running.communicate(timeout=30)
        assert running.returncode == 0, said
    return json.loads(profiles_file().read_text())[NAME]["round_trip_ms"]


@pytest.mark.skipif(sys.platform != "linux", reason="JACK's dummy driver")
def test_through_a_real_sound_system_a_longer_way_is_longer(home: Path) -> None:
    with jack_server():
        short, long = (calibrated(delay) for delay in (0, DELAY))
    print(f"round trips of {short} and {long} ms")
    assert long - short == pytest.approx(1000 * DELAY / RATE, abs=0.1)
    assert 0 < (input_latency(NAME) or 0) < long / 1000


def test_a_damaged_file_of_profiles_is_told_of_and_does_no_harm(home: Path) -> None:
    profiles_file().parent.mkdir(parents=True, exist_ok=True)
    profiles_file().write_text("{")
    done = notewire("transcribe", clip(home / "clip.wav", 2.0), "-o", home)
    assert done.returncode == 0
    assert input_latency(NAME) is None


def test_without_devices_it_says_so(home: Path) -> None:
    done = notewire("calibrate", "--input", "nothing", JACK_DEFAULT_SERVER="none")
    assert done.returncode == 2
    assert "no device 'nothing'" in done.stderr
