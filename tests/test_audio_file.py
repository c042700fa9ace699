"""Every format, rate and channel count; every kind of bad file one clear line."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from notewire.daemon.audio_file import AudioFile
from notewire.streaming.contracts import NotewireError

CODECS = {"wav": "pcm_s16le", "flac": "flac", "mp3": "libmp3lame", "m4a": "aac", "ogg": "libopus"}


def tone(rate: int, seconds: float = 1.0) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * 440 * np.arange(int(rate * seconds)) / rate)).astype("f4")


def encode(path: Path, rate: int) -> None:
    """A second of 440 Hz in the format that the ending names."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(CODECS[path.suffix[1:]], rate=rate)
        assert isinstance(stream, av.AudioStream)
        stream.layout = "mono"
        frame = av.AudioFrame.from_ndarray(tone(rate)[None], format="fltp", layout="mono")
        frame.sample_rate, frame.time_base, frame.pts = rate, Fraction(1, rate), 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def read(path: Path) -> tuple[np.ndarray, int]:
    source = AudioFile(path)
    blocks = list(source)
    ends = [block.end for block in blocks]
    assert [block.start for block in blocks] == [0, *ends[:-1]][: len(blocks)]
    return np.concatenate([np.zeros(0), *(block.samples for block in blocks)]), source.rate


@pytest.mark.parametrize("suffix", CODECS)
def test_formats(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"tone.{suffix}"
    encode(path, 48_000)
    samples, rate = read(path)
    assert len(samples) == pytest.approx(48_000, abs=4000)
    spectrum = np.abs(np.fft.rfft(samples))
    assert spectrum.argmax() * rate / len(samples) == pytest.approx(440, abs=2)
    assert samples[9000:-9000].std() == pytest.approx(0.5 / 2**0.5, rel=0.06)


@pytest.mark.parametrize("rate", [8_000, 11_025, 44_100, 96_000, 192_000])
@pytest.mark.parametrize("channels", [1, 2, 6, 8])
def test_rates_and_channels(tmp_path: Path, rate: int, channels: int) -> None:
    path = tmp_path / "tone.wav"
    parts = np.zeros((rate // 10, channels), np.float32)
    parts[:, 0] = tone(rate, 0.1)
    soundfile.write(path, parts, rate, subtype="FLOAT")
    samples, found = read(path)
    assert found == rate
    assert np.allclose(samples, parts.mean(axis=1), atol=1e-6)


def test_a_file_of_no_length_is_a_stream_of_no_blocks(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "none.wav", np.zeros(0), 44_100)
    assert list(AudioFile(tmp_path / "none.wav")) == []


def bad_files(folder: Path) -> dict[str, Path]:
    paths = {name: folder / f"{name}.wav" for name in ("empty", "text", "nan", "long", "noise")}
    paths["empty"].write_bytes(b"")
    paths["text"].write_text("this is not music\n" * 100)
    paths["junk"] = folder / "junk.flac"
    for name in ("noise", "junk"):
        paths[name].write_bytes(np.random.default_rng(1).bytes(5000))
    soundfile.write(paths["nan"], np.full(1000, np.nan), 44_100, subtype="FLOAT")
    write_promise(paths["long"])
    return paths | {"missing": folder / "missing.wav", "folder": folder}


def write_promise(path: Path) -> None:
    """A WAV of 8-bit samples at 8 kHz that holds, all zeros, 30 hours; sparse on the disk."""
    size = 30 * 3600 * 8000
    head = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", size + 36, b"WAVE", b"fmt ", 16, 1, 1, 8000,
                       8000, 1, 8, b"data", size)  # fmt: skip
    with path.open("wb") as file:
        file.write(head)
        file.truncate(size + 44)


@pytest.mark.parametrize(
    ("name", "words"),
    {
        "empty": "is empty",
        "text": "cannot be read as sound",
        "noise": "cannot be read as sound",
        "junk": "cannot be read as sound",
        "nan": "not numbers",
        "long": "too long",
        "missing": "no such file",
        "folder": "is a folder",
    }.items(),
)
def test_bad_files_are_named(tmp_path: Path, name: str, words: str) -> None:
    path = bad_files(tmp_path)[name]
    with pytest.raises(NotewireError, match=words) as caught:
        list(AudioFile(path))
    assert str(caught.value).startswith(str(path))


def test_blocks_have_the_length_asked_for(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "x.wav", np.zeros(4410), 44_100)
    sizes = [len(block.samples) for block in AudioFile(tmp_path / "x.wav", 0.01)]
    assert sizes == [441] * 10
