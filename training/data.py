"""Crops for training: true left context, drawn at random, the same again from the same seed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
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
from .augment import AugmentConfig, beside, draw_pitch, speed
from .noises import Clip, no_music
from .pedals import Pedals, pedal_targets
from .players import Players
from .recordings import Recording, audio_files
from .targets import targets

Crop = tuple[Tensor, Tensor, Tensor]
Music = tuple[NDArray[np.float32], NDArray[np.float64], Pedals | None]  # audio, notes, pedals


@dataclass(frozen=True)
class Packed:
    """A recording in memory: int16 mono audio at the model's rate, its notes and its pedals."""

    audio: NDArray[np.int16]
    notes: NDArray[np.float64]
    pedals: Pedals | None = None


def pack(recordings: list[Recording], rate: int, cache: Path) -> list[Packed]:
    """Decode and resample once, on all cores; later runs map the cached files into memory."""
    cache.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        packed = threads.map(lambda each: _pack(each, rate, cache), recordings)
        return list(track(packed, "Packing recordings", total=len(recordings)))


def pack_noises(folders: list[Path], rate: int) -> list[Clip]:
    """Every sound file in ``folders``, in memory."""
    files = [file for folder in folders for file in audio_files(folder)]
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        clips = threads.map(lambda file: decode(file, rate), files)
        return list(track(clips, "Reading noises", total=len(files), disable=not files))


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


class Crops(IterableDataset[Crop]):
    """Endless (audio, notes, pedal): (memory + hops * hop,) and what is to be said.

    The wishes are (hops, look-aheads, OUTPUTS, 88), see targets.py, and (hops, look-aheads), see
    pedals.py, in half precision, for they travel. players: who plays some of the crops. The room
    and the microphone are left to training/recolour.py.
    """

    def __init__(
        self,
        packed: list[Packed],
        crop: CropConfig,
        augment: AugmentConfig,
        seed: int,
        noises: list[Clip] | None = None,
        players: Players | None = None,
        played: float = 0.0,
    ) -> None:
        self.packed, self.crop, self.augment, self.seed = packed, crop, augment, seed
        self.noises, self.players, self.played = noises or [], players, played
        lengths = np.array([len(p.audio) for p in packed], np.float64)
        self.chance = lengths / lengths.sum()

    def __iter__(self) -> Iterator[Crop]:
        worker = torch.utils.data.get_worker_info()
        random = np.random.default_rng([self.seed, worker.id if worker else 0])
        while True:
            yield self._draw(random)

    def _draw(self, random: np.random.Generator) -> Crop:
        crop = self.crop
        audio, notes, pedals = self._music(random)
        drawn = random.random()
        if drawn < self.augment.nothing_chance:
            audio, notes, pedals = self._noise(random), notes[:0], np.zeros((0, 2))
        elif drawn < self.augment.nothing_chance + self.augment.beside_chance:
            audio = beside(audio, self._noise(random), self.augment, random)
        look_aheads = [d / crop.rate for d in crop.look_aheads]
        grid = crop.hops, crop.hop / crop.rate, look_aheads
        wishes = targets(notes, *grid), pedal_targets(pedals, *grid)
        said, pressed = (torch.from_numpy(wish).half() for wish in wishes)
        return torch.from_numpy(audio), said, pressed

    def _noise(self, random: np.random.Generator) -> NDArray[np.float32]:
        return no_music(self.crop.samples, self.crop.rate, self.noises, random)

    def _music(self, random: np.random.Generator) -> Music:
        """Played now or recorded once, and what is to be heard from the crop's first frame on."""
        if not self.players or random.random() >= self.played:
            return self._take(random)
        context, length = self.crop.memory / self.crop.rate, self.crop.samples / self.crop.rate
        audio, notes, pedals = self.players(length, random)
        late, length = np.array([context, context, 0, 0]), length - context
        return audio, _within(notes - late, context, length), pedals - context

    def _take(self, random: np.random.Generator) -> Music:
        """A piece of a recording, perhaps out of tune."""
        crop, piece = self.crop, self.packed[random.choice(len(self.packed), p=self.chance)]
        semitones, ratio = draw_pitch(self.augment, random)
        source = int(np.ceil(crop.samples * ratio)) + 1
        begin = int(random.integers(-crop.memory, max(1, len(piece.audio) - source // 2)))
        audio = speed(_cut(piece.audio, begin, source), ratio)[: crop.samples]
        audio = np.pad(audio, (0, crop.samples - len(audio)))
        seconds = (crop.memory / crop.rate, crop.hops * crop.hop / crop.rate)
        place = begin / crop.rate, ratio, *seconds
        pedals = None if piece.pedals is None else _moved(piece.pedals, *place)
        up = np.array([0, 0, semitones, 0])
        return audio, _moved(piece.notes, *place) + up, pedals


def _cut(audio: NDArray[np.int16], begin: int, length: int) -> NDArray[np.float32]:
    """A piece of the recording as float32, with silence where it reaches over the edges."""
    inside = audio[max(begin, 0) : max(begin + length, 0)].astype(np.float32) / 32768
    before = max(0, -begin)
    return np.pad(inside, (before, length - before - len(inside))).astype(np.float32, copy=False)


def _moved(
    notes: NDArray[np.float64], begin: float, ratio: float, context: float, length: float
) -> NDArray[np.float64]:
    """Notes or pedals in seconds from the crop's first frame, without those ended before it."""
    moved = notes.copy()
    moved[:, :2] = (notes[:, :2] - begin) / ratio - context
    return _within(moved, context, length)


def _within(notes: NDArray[np.float64], context: float, length: float) -> NDArray[np.float64]:
    return notes[(notes[:, 1] > -context) & (notes[:, 0] < length)]


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
