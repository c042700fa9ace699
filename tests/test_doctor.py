"""The doctor: sound sounds get a clean bill, each ill its name and cure."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np
import pytest
from jack_server import jack_server
from test_cli import DEMO, notewire

from notewire.daemon import doctor
from notewire.daemon.checkup import (
    Audio,
    Finding,
    judge_capture,
    judge_priority,
    judge_sound,
    judge_speed,
)
from notewire.daemon.config import Config
from notewire.streaming.contracts import AudioBlock

RATE = 48_000
TIME = np.arange(6 * RATE) / RATE
BEATS = (TIME % 1.0 < 0.5).astype(float)  # played and not played
MUSIC = 0.3 * BEATS * np.sin(2 * np.pi * 440 * TIME)
NOISE = np.random.default_rng(5).standard_normal(len(TIME))


def ills(audio: Audio) -> list[Finding]:
    return [f for f in judge_sound(audio.astype(np.float32), RATE) if f.state != "good"]


def test_clean_sound_is_good() -> None:
    assert ills(MUSIC + 1e-4 * NOISE) == []


@pytest.mark.parametrize(
    ("audio", "state", "said"),
    [
        (0 * TIME, "bad", "digital silence"),
        (TIME[:0], "bad", "digital silence"),
        (0.002 * MUSIC + 1e-5 * NOISE, "warn", "level"),
        (np.clip(20 * MUSIC, -1, 1) + 0.0, "bad", "clipped"),
        (MUSIC + 0.02 * NOISE, "warn", "noise"),
        (MUSIC + 1e-4 * NOISE + 0.1, "warn", "offset of +0.10"),
    ],
)
def test_each_ill_is_named_with_a_cure(audio: Audio, state: str, said: str) -> None:
    (finding,) = ills(audio)
    assert finding.state == state
    assert said in finding.what
    assert finding.cure


@pytest.mark.parametrize("mains", [50, 60])
def test_hum_is_told_by_its_frequency(mains: int) -> None:
    hum = sum(0.001 / k * np.sin(2 * np.pi * k * mains * TIME) for k in (1, 2, 3))
    (finding,) = ills(MUSIC + 1e-4 * NOISE + hum)
    assert finding.what == f"hum of {mains} Hz"


def test_lost_sound_and_a_slow_computer() -> None:
    assert judge_capture(0, 0, RATE).state == "good"
    assert "10 ms" in judge_capture(480, 2, RATE).what
    assert [judge_speed(p99, 0.02).state for p99 in (0.002, 0.015, 0.03)] == ["good", "warn", "bad"]


def test_notes_that_may_leave_late_have_a_cure() -> None:
    assert judge_priority(True).state == "good"
    assert "audio" in judge_priority(False).cure


def test_without_an_input_it_says_so() -> None:
    asked = notewire("doctor", "--input", "no such input", "--set", "midi.enabled=false")
    assert asked.returncode == 1
    assert "no input" in asked.stdout


def test_an_input_that_falls_silent_does_not_keep_the_doctor(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Unplugged:
        name, rate, lost, glitches = "[/plug]", RATE, 0, 0

        def __iter__(self) -> Iterator[AudioBlock]:
            yield AudioBlock(0, np.zeros(480, np.float32))
            while True:
                yield AudioBlock(480, np.zeros(0, np.float32))

        def close(self) -> None: ...

    monkeypatch.setattr(doctor, "open_source", lambda *_: (Unplugged(), ""))
    monkeypatch.setattr(doctor, "PATIENCE_S", 0.1)
    settings = Config.model_validate(
        {"midi": {"enabled": False}, "bus": {"address": "tcp://127.0.0.1:*"}}
    )
    assert not doctor.examine(settings, 0.2)
    said = capsys.readouterr().out
    assert "[/plug]" in said
    assert "stopped delivering" in said


@pytest.mark.skipif(sys.platform != "linux", reason="JACK's dummy driver")
def test_all_is_well_with_a_port_and_a_file() -> None:
    with jack_server():
        asked = notewire("doctor", "--file", DEMO, "--seconds", "3", "--set", "midi.backend=jack")
    assert "✗" not in asked.stdout
    assert "by jack" in asked.stdout
    assert "did not come back" in asked.stdout
    assert asked.returncode == 0
