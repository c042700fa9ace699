"""Crops for training: true left context, drawn at random, the same again from the same seed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
import torch
from numpy.typing import NDArray
from rich.progress import track
from torch import Tensor
from torch.utils.data import IterableDataset

from ..streaming.contracts import NotewireError
from .augment import AugmentConfig, beside, draw_detune, recolour, speed
from .noises import Clip, no_music
from .recordings import Recording, audio_files
from .targets import targets


@dataclass(frozen=True)
class Packed:
    """A recording in memory: int16 mono audio at the model's rate, and its notes."""

    audio: NDArray[np.int16]
    notes: NDArray[np.float64]


def pack(recordings: list[Recording], rate: int, cache: Path) -> list[Packed]:
    """Decode and resample once; later runs map the cached files into memory."""
    cache.mkdir(parents=True, exist_ok=True)
    return [_pack(r, rate, cache) for r in track(recordings, "Packing recordings")]


def pack_noises(folders: list[Path], rate: int) -> list[Clip]:
    """Every sound file in ``folders``, in memory."""
    files = [file for folder in folders for file in audio_files(folder)]
    return [decode(file, rate) for file in track(files, "Reading noises", disable=not files)]


def held_out(recording: Recording, share: float) -> bool:
    """Whether a title belongs to the held-out part; decided by its name, so always the same."""
    digest = hashlib.sha256(recording.title.encode()).digest()
    return int.from_bytes(digest[:4], "big") / 2**32 < share


@dataclass(frozen=True)
class CropConfig:
    """Lengths in samples: ``hops`` frames of ``hop``, after ``memory`` samples of context."""

    rate: int
    hop: int
    hops: int
    memory: int
    look_aheads: tuple[int, ...]

    @property
    def samples(self) -> int:
        return self.memory + self.hops * self.hop


class Crops(IterableDataset[tuple[Tensor, Tensor, Tensor]]):
    """Endless (past, audio, targets): (memory,), (hops * hop,) and what is to be said.

    The wish is (hops, look-aheads, OUTPUTS, 88), see targets.py.
    """

    def __init__(
        self,
        packed: list[Packed],
        crop: CropConfig,
        augment: AugmentConfig,
        seed: int,
        noises: list[Clip] | None = None,
    ) -> None:
        self.packed, self.crop, self.augment, self.seed = packed, crop, augment, seed
        self.noises = noises or []
        lengths = np.array([len(p.audio) for p in packed], np.float64)
        self.chance = lengths / lengths.sum()

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        worker = torch.utils.data.get_worker_info()
        random = np.random.default_rng([self.seed, worker.id if worker else 0])
        while True:
            yield self._draw(random)

    def _draw(self, random: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
        crop = self.crop
        audio, notes = self._take(random)
        drawn = random.random()
        if drawn < self.augment.nothing_chance:
            audio, notes = self._noise(random), notes[:0]
        elif drawn < self.augment.nothing_chance + self.augment.beside_chance:
            audio = beside(audio, self._noise(random), self.augment, random)
        audio = torch.from_numpy(recolour(audio, crop.rate, self.augment, random))
        look_aheads = [d / crop.rate for d in crop.look_aheads]
        wish = targets(notes, crop.hops, crop.hop / crop.rate, look_aheads)
        return audio[: crop.memory], audio[crop.memory :], torch.from_numpy(wish)

    def _noise(self, random: np.random.Generator) -> NDArray[np.float32]:
        return no_music(self.crop.samples, self.crop.rate, self.noises, random)

    def _take(self, random: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """A piece of a recording, perhaps out of tune, and its notes from the first frame on."""
        crop, piece = self.crop, self.packed[random.choice(len(self.packed), p=self.chance)]
        ratio = draw_detune(self.augment, random)
        source = int(np.ceil(crop.samples * ratio)) + 1
        begin = int(random.integers(-crop.memory, max(1, len(piece.audio) - source // 2)))
        audio = speed(_cut(piece.audio, begin, source), ratio)[: crop.samples]
        audio = np.pad(audio, (0, crop.samples - len(audio)))
        seconds = (crop.memory / crop.rate, crop.hops * crop.hop / crop.rate)
        return audio, _moved(piece.notes, begin / crop.rate, ratio, *seconds)


def _cut(audio: NDArray[np.int16], begin: int, length: int) -> NDArray[np.float32]:
    """A piece of the recording as float32, with silence where it reaches over the edges."""
    inside = audio[max(begin, 0) : max(begin + length, 0)].astype(np.float32) / 32768
    before = max(0, -begin)
    return np.pad(inside, (before, length - before - len(inside))).astype(np.float32, copy=False)


def _moved(
    notes: NDArray[np.float64], begin: float, ratio: float, context: float, length: float
) -> NDArray[np.float64]:
    """Notes in seconds from the crop's first frame; those that ended before it are left out."""
    moved = notes.copy()
    moved[:, :2] = (notes[:, :2] - begin) / ratio - context
    return moved[(moved[:, 1] > -context) & (moved[:, 0] < length)]


def _pack(recording: Recording, rate: int, cache: Path) -> Packed:
    path = cache / f"{recording.name}.{_fingerprint(recording.audio)}.{rate}.npy"
    if not path.exists():
        unfinished = path.with_suffix(".tmp.npy")
        np.save(unfinished, decode(recording.audio, rate))
        unfinished.replace(path)
    return Packed(np.load(path, mmap_mode="r"), recording.notes())


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
