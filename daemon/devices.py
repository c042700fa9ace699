"""Audio devices by name: indices change when something is plugged in, so nobody types them."""

from __future__ import annotations

import difflib
import os
import sys
from dataclasses import dataclass
from typing import Any, Literal

from ..bridge.stderr import quiet_stderr
from ..streaming.contracts import NotewireError
from .loopback import Speaker, find_speaker

# What carries the computer's own sound on systems where it is an input like any other.
LOOPBACK_NAMES = ("blackhole", "loopback", "soundflower", "stereo mix", "cable output", "monitor")


@dataclass(frozen=True, slots=True)
class AudioDevice:
    """An input or an output as PortAudio names it; ``rate`` is its own, in Hz."""

    name: str
    host: str
    channels: int
    rate: int
    default: bool
    index: int  # of this moment

    @property
    def full_name(self) -> str:
        return f"{self.host}: {self.name}"


def input_devices() -> list[AudioDevice]:
    """All inputs; none, rather than an error, where there is no sound system at all."""
    return _devices("input")


def output_devices() -> list[AudioDevice]:
    """The same for outputs."""
    return _devices("output")


def _devices(way: Literal["input", "output"]) -> list[AudioDevice]:
    try:
        with quiet_stderr():
            import sounddevice

            hosts: Any = sounddevice.query_hostapis()
            devices: Any = sounddevice.query_devices()
            default = sounddevice.default.device[way]
    except Exception:  # no PortAudio, no sound system, or one that fails in its own way
        return []
    return [
        AudioDevice(
            device["name"],
            hosts[device["hostapi"]]["name"],
            device[f"max_{way}_channels"],
            int(device["default_samplerate"]),
            device["index"] == default,
            device["index"],
        )
        for device in devices
        if device[f"max_{way}_channels"] > 0
    ]


def find_device(wish: str, devices: list[AudioDevice]) -> AudioDevice:
    """The device that ``wish`` names: in full, exactly, or by a part that no other has.

    Raises NotewireError, with the names to choose from.
    """
    for matches in (
        [d for d in devices if d.full_name == wish],
        [d for d in devices if d.name == wish],
        [d for d in devices if wish.lower() in d.full_name.lower()],
    ):
        if len(matches) == 1:
            return matches[0]
        if matches:
            names = "; ".join(d.full_name for d in matches)
            raise NotewireError(f"'{wish}' could be any of: {names}. Give one in full")
    raise NotewireError(_unknown(wish, devices))


def default_input(devices: list[AudioDevice]) -> AudioDevice | None:
    """The system's default input, or the only host's first one; None where there is none."""
    return next((d for d in devices if d.default), devices[0] if devices else None)


def find_loopback(devices: list[AudioDevice]) -> AudioDevice | Speaker:
    """What carries the sound that the computer plays: an input, or else SoundCard's speaker.

    Raises NotewireError with the cure.
    """
    for device in devices:
        if any(name in device.name.lower() for name in LOOPBACK_NAMES):
            return device
    pulse = next((d for d in devices if d.name == "pulse"), None)
    if pulse:  # PulseAudio or PipeWire: its ALSA device records whatever PULSE_SOURCE names
        os.environ.setdefault("PULSE_SOURCE", "@DEFAULT_MONITOR@")
        return pulse
    if speaker := find_speaker():
        return speaker
    raise NotewireError(
        "found no loopback input; "
        + {
            "darwin": "install BlackHole and route the sound through a Multi-Output Device",
            "win32": "is a speaker enabled?",
        }.get(sys.platform, "PulseAudio or PipeWire is needed")
    )


def _unknown(wish: str, devices: list[AudioDevice]) -> str:
    if not devices:
        return f"no device '{wish}': there is no audio device at all (is the sound server running?)"
    names = [d.name for d in devices]
    close = difflib.get_close_matches(wish, names, n=1)
    hint = f"; did you mean '{close[0]}'?" if close else "."
    return f"no device '{wish}'{hint} Devices: {', '.join(names)}"
