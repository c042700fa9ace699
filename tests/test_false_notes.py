"""Ten minutes in which nobody plays: speech, applause, noise, hum, silence; next to no notes."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from notewire.models.library import open_model
from notewire.models.transcriber import Transcriber
from notewire.streaming.contracts import AudioBlock, NoteOn
from notewire.training.noises import Audio, applause, hiss

RATE = 16_000
MINUTES = 2
SIZE = MINUTES * 60 * RATE
LEVELS = (-50, -30)  # dB
TEXT = Path(__file__).parent.parent / "README.md"  # something to read aloud
Count = Callable[[Audio], float]
VOICES = ("en-us+m7", "de+f4", "es+m2", "fr+f3")


@pytest.fixture(params=["piano", "small"])
def false_notes(request: pytest.FixtureRequest) -> Count:
    """Notes a minute in ``balanced``, by each model that ships."""
    return lambda audio: count(audio, request.param)


def count(audio: Audio, model: str) -> float:
    network, config = open_model(model)
    transcriber = Transcriber(network, config, RATE)
    events = transcriber.feed(AudioBlock(0, audio.astype(np.float32))) + transcriber.flush()
    return sum(isinstance(event, NoteOn) for event in events) / (len(audio) / RATE / 60)


def at(level_db: float, audio: Audio) -> Audio:
    return audio * np.float32(10 ** (level_db / 20) / (audio.std() + 1e-9))


def speech(folder: Path) -> Audio:
    """The README, read by four voices."""
    if not shutil.which("espeak-ng"):
        pytest.skip("espeak-ng is not installed")
    parts = []
    for voice in VOICES:
        spoken = folder / f"{voice}.wav"
        subprocess.run(["espeak-ng", "-v", voice, "-f", TEXT, "-w", spoken], check=True)
        audio, rate = soundfile.read(spoken, dtype="float32")
        parts.append(soxr.resample(audio, rate, RATE)[: SIZE // len(VOICES)])
    return np.concatenate(parts)


def hum(size: int) -> Audio:
    time = np.arange(size) / RATE
    parts = [np.sin(2 * np.pi * 50 * k * time) / k for k in (1, 2, 3, 5)]
    return np.sum(parts, axis=0).astype(np.float32)


@pytest.mark.parametrize("level", LEVELS)
def test_room_noise_and_hum(level: float, false_notes: Count) -> None:
    size = SIZE // len(LEVELS)
    assert false_notes(at(level, hiss(size, RATE, np.random.default_rng(11)))) < 1
    assert false_notes(at(level, hum(size))) < 1


def test_applause(false_notes: Count) -> None:
    assert false_notes(at(-25, applause(SIZE, RATE, np.random.default_rng(12)))) < 1


def test_silence(false_notes: Count) -> None:
    assert false_notes(np.zeros(SIZE, np.float32)) == 0


@pytest.mark.parametrize(("model", "most"), [("piano", 1), ("small", 2)])
def test_speech(tmp_path: Path, model: str, most: int) -> None:
    """The small model is worse at it, and its card says so."""
    assert count(at(-25, speech(tmp_path)), model) < most
