"""``notewire calibrate``: play clicks, hear them come back, and keep how long that took."""

from __future__ import annotations

import threading
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bridge.stderr import quiet_stderr
from ..streaming.contracts import NotewireError
from .calibration import Profile, keep_profile
from .config import InputConfig
from .devices import AudioDevice, default_input, find_device, input_devices, output_devices
from .round_trip import clicks, round_trip

LEAD_S = 1.0  # of silence first: a stream that has just begun may still settle
PATIENCE_S = 8.0  # beyond the length of the sound


def calibrate(config: InputConfig, output: str | None) -> None:
    """Measure, say and keep. Raises NotewireError for devices and clicks that are not there."""
    source, sink = _pair(config, output)
    print(f"Playing clicks on {sink.full_name}, listening on {source.full_name}", flush=True)
    sound = np.concatenate([np.zeros(round(LEAD_S * source.rate), np.float32), clicks(source.rate)])
    recorded, share = _play(sound, source, sink)
    trip = round_trip(recorded[round(LEAD_S * source.rate) :], source.rate)
    profile = Profile(
        output=sink.full_name,
        round_trip_ms=round(1000 * trip.seconds, 2),
        input_ms=round(1000 * trip.seconds * share, 2),
        measured=date.today().isoformat(),
    )
    file = keep_profile(source.full_name, profile)
    print(
        f"Round trip {profile.round_trip_ms:.1f} ms over {trip.heard} clicks, "
        f"{1000 * trip.spread:.2f} ms apart\n"
        f"The input's share is {profile.input_ms:.1f} ms: every latency shown for it counts that "
        f"from now on\nKept in {file}"
    )


def _pair(config: InputConfig, output: str | None) -> tuple[AudioDevice, AudioDevice]:
    """The input of the settings and an output, of the same sound system unless one is named."""
    inputs, outputs = input_devices(), output_devices()
    source = (
        default_input(inputs) if config.device == "auto" else find_device(config.device, inputs)
    )
    if source is None:
        raise NotewireError("there is no audio input (is the sound server running?)")
    beside = [device for device in outputs if device.host == source.host]
    sink = find_device(output, outputs) if output else default_input(beside)
    if sink is None:
        raise NotewireError(f"there is no output beside {source.full_name}; name one: --output")
    return source, sink


def _play(
    sound: NDArray[np.float32], source: AudioDevice, sink: AudioDevice
) -> tuple[NDArray[np.float32], float]:
    """What came in while ``sound`` went out, and the input's share of the way, 0 to 1.

    The share is that of the latencies that the drivers tell; one half unless both tell one.
    """
    recorded, place, done = np.zeros_like(sound), 0, threading.Event()

    def callback(heard: Any, said: Any, frames: int, _time: Any, _status: Any) -> None:
        nonlocal place
        part = sound[place : place + frames]
        said[:] = 0
        said[: len(part)] = part[:, None]
        recorded[place : place + len(part)] = heard[: len(part)].mean(axis=1)
        place += frames
        if place >= len(sound):
            done.set()

    try:
        with quiet_stderr():
            stream = _stream(source, sink, callback)
            with stream:
                came = done.wait(len(sound) / source.rate + PATIENCE_S)
                told_in, told_out = stream.latency
    except Exception as error:  # PortAudio's own, and what drivers raise through it
        raise NotewireError(f"the devices cannot be used together ({error})") from error
    if not came:
        raise NotewireError(f"{source.full_name} or {sink.full_name} stopped; is it still there?")
    known = told_in > 0 and told_out > 0
    return recorded, told_in / (told_in + told_out) if known else 0.5


def _stream(source: AudioDevice, sink: AudioDevice, callback: Any) -> Any:
    import sounddevice

    return sounddevice.Stream(
        samplerate=source.rate,
        device=(source.index, sink.index),
        channels=(min(2, source.channels), min(2, sink.channels)),
        latency="low",
        dtype="float32",
        callback=callback,
    )
