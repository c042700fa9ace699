"""Crops for training: true left context, drawn at random, the same again from the same seed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import IterableDataset

from .augment import AugmentConfig, beside, draw_pitch, speed
from .noises import Clip, no_music
from .packing import Packed
from .pedals import Pedals, pedal_targets
from .players import Players
from .targets import targets

Crop = tuple[Tensor, Tensor, Tensor]
Music = tuple[NDArray[np.float32], NDArray[np.float64], Pedals | None]  # audio, notes, pedals


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
        crop, drawn = self.crop, random.random()
        if drawn < self.augment.nothing_chance:
            audio, notes, pedals = self._noise(random), np.zeros((0, 4)), np.zeros((0, 2))
        else:
            audio, notes, pedals = self._music(random)
        if 0 <= drawn - self.augment.nothing_chance < self.augment.beside_chance:
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
