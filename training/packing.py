"""Recordings and noises decoded once, at the model's rate, on all cores."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray
from rich.progress import track

from ..streaming.contracts import NotewireError
from .noises import Clip
from .pedals import Pedals
from .recordings import Recording, audio_files


@dataclass(frozen=True)
class Packed:
    """A recording in memory: int16 mono audio at the model's rate, its notes and its pedals."""

    audio: NDArray[np.int16]
    notes: NDArray[np.float64]
    pedals: Pedals | None = None


def pack(recordings: list[Recording], rate: int, cache: Path) -> list[Packed]:
    """Decode and resample once, on all cores; later runs map the cached files into memory."""
    cache.mkdir(parents=True, exist_ok=True)
    once = list(dict.fromkeys(recordings))  # a folder may be listed twice, to be heard more often
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        packed = threads.map(lambda each: _pack(each, rate, cache), once)
        found = dict(zip(once, track(packed, "Packing recordings", total=len(once)), strict=True))
    return [found[each] for each in recordings]


def pack_noises(folders: list[Path], rate: int) -> list[Clip]:
    """Every sound file in ``folders``, in memory."""
    files = [file for folder in folders for file in audio_files(folder)]
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        clips = threads.map(lambda file: decode(file, rate), files)
        return list(track(clips, "Reading noises", total=len(files), disable=not files))


def _pack(recording: Recording, rate: int, cache: Path) -> Packed:
    path = cache / f"{recording.name}.{_fingerprint(recording.audio)}.{rate}.npy"
    if not path.exists():
        unfinished = path.with_suffix(".tmp.npy")
        np.save(unfinished, decode(recording.audio, rate))
        unfinished.replace(path)
    return Packed(np.load(path, mmap_mode="r"), recording.notes(), recording.pedals())


def decode(path: Path, rate: int) -> NDArray[np.int16]:
    """A sound file as mono at ``rate`` Hz. Raises NotewireError if it cannot be read."""
    try:
        audio, original = soundfile.read(path, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        cure = "training reads wav, flac, ogg and mp3"
        raise NotewireError(f"{path}: cannot be read ({error}); {cure}") from error
    mono = soxr.resample(audio.mean(axis=1), original, rate)
    return np.clip(np.rint(mono * 32768), -32768, 32767).astype(np.int16)


def _fingerprint(path: Path) -> str:
    """Tells files of one name apart, and a file from what it was before."""
    status = path.stat()
    facts = f"{path.resolve()} {status.st_size} {status.st_mtime_ns}"
    return hashlib.sha256(facts.encode()).hexdigest()[:12]
