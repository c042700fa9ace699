"""Inputs are found by name; what cannot be found says what there is."""

from __future__ import annotations

import pytest

from notewire.daemon.devices import AudioDevice, default_input, find_device, find_loopback
from notewire.streaming.contracts import NotewireError


def device(name: str, host: str = "ALSA", default: bool = False) -> AudioDevice:
    return AudioDevice(name, host, 2, 48_000, default, 0)


MIC, LINE, JACK = device("USB Mic"), device("Line In"), device("Line In", "JACK")


def test_by_full_name_name_or_part() -> None:
    assert find_device("JACK: Line In", [MIC, LINE, JACK]) is JACK
    assert find_device("USB Mic", [MIC, LINE]) is MIC
    assert find_device("usb", [MIC, LINE]) is MIC


def test_a_name_of_two_is_not_guessed() -> None:
    with pytest.raises(NotewireError, match="ALSA: Line In; JACK: Line In"):
        find_device("Line In", [MIC, LINE, JACK])


def test_a_name_of_none_lists_all_and_what_was_meant() -> None:
    with pytest.raises(NotewireError, match=r"did you mean 'USB Mic'\?"):
        find_device("USB Mik", [MIC, LINE])
    with pytest.raises(NotewireError, match="no audio device at all"):
        find_device("x", [])


def test_the_default_input() -> None:
    assert default_input([]) is None
    assert default_input([MIC, LINE]) is MIC
    chosen = device("Line In", default=True)
    assert default_input([MIC, chosen]) is chosen


def test_loopback() -> None:
    black_hole = device("BlackHole 2ch", "Core Audio")
    assert find_loopback([MIC, black_hole]) is black_hole
    with pytest.raises(NotewireError, match="no loopback input"):
        find_loopback([MIC])
