"""Causal variable-Q transform: every atom ends at the newest sample and leans toward it.

A true constant-Q atom at 27.5 Hz with 36 bins an octave lasts 1.9 s. Here the bandwidth is
``alpha * f + gamma`` (Schörkhuber et al., AES 2014), with gamma chosen so that the longest atom
lasts ``longest`` seconds, and the window peaks late (``peak`` of the way to the newest sample), so
that a new note shows within a few hops. The oscillators come from nnAudio.
"""

from __future__ import annotations

import numpy as np
import torch
from nnAudio.utils import create_cqt_kernels
from numpy.typing import NDArray
from torch import Tensor, nn

from .vqt_config import VQTConfig

BANKS = 6  # bins of like length share a matrix product, so short atoms do not pay for long ones


class CausalVQT(nn.Module):
    """``frames, past = vqt(audio, past)``; whole hops in, one frame a hop out.

    audio: (batch, hops * hop); frames: (batch, hops, bins), log magnitude; past: the last
    ``memory`` samples, ``None`` at the start of a stream (silence came before).
    """

    def __init__(self, config: VQTConfig) -> None:
        super().__init__()
        self.config = config
        atoms, self.frequencies = _atoms(config)
        self.group_delay = [_centroid_from_end(atom) / config.rate for atom in atoms]  # s per bin
        self._names = [f"bank{i}" for i in range(BANKS)]
        for name, bank in zip(self._names, _banks(atoms), strict=True):
            self.register_buffer(name, torch.from_numpy(bank), persistent=False)
        self.memory = max(len(atom) for atom in atoms) - config.hop

    def forward(self, audio: Tensor, past: Tensor | None = None) -> tuple[Tensor, Tensor]:
        if past is None:
            past = audio.new_zeros(audio.shape[0], self.memory)
        if not audio.shape[1]:
            return audio.new_zeros(audio.shape[0], 0, self.config.bins), past
        audio = torch.cat([past, audio], dim=-1)
        banks = [getattr(self, name) for name in self._names]  # self.buffers() looks everywhere
        waves = torch.cat([self._project(audio, bank) for bank in banks], dim=-1)
        frames = torch.hypot(waves[..., ::2], waves[..., 1::2])
        return torch.log1p(self.config.log_gain * frames), audio[:, audio.shape[1] - self.memory :]

    def _project(self, audio: Tensor, bank: Tensor) -> Tensor:
        """(batch, hops, 2 * bins of the bank), real and imaginary; its atoms end with each hop."""
        length, hop = bank.shape[1], self.config.hop
        newest = audio[:, self.memory + hop - length :]
        return nn.functional.linear(newest.unfold(-1, length, hop), bank)


def _atoms(config: VQTConfig) -> tuple[list[NDArray[np.complex64]], NDArray[np.float64]]:
    """One windowed complex oscillator per bin, unit L1 norm, newest sample last."""
    per_octave = 12 * config.bins_per_semitone
    alpha = 2 ** (1 / per_octave) - 1
    gamma = max(0.0, 1 / config.longest - alpha * config.first_frequency)
    kernels, _, lengths, frequencies = create_cqt_kernels(
        1 / alpha,
        config.rate,
        config.first_frequency,
        n_bins=config.bins,
        bins_per_octave=per_octave,
        norm=0,
        window="boxcar",
        gamma=gamma,  # pyright: ignore[reportArgumentType]
    )
    rows = zip(kernels, lengths.int().tolist(), strict=True)
    return [_window(row[np.flatnonzero(row)][:n], config.peak) for row, n in rows], frequencies


def _window(oscillator: NDArray[np.complex64], peak: float) -> NDArray[np.complex64]:
    """A Hann window warped so that its peak lies at ``peak`` of the way to the newest sample."""
    place = (np.arange(len(oscillator)) + 0.5) / len(oscillator)
    atom = oscillator * np.sin(np.pi * place ** (np.log(0.5) / np.log(peak))) ** 2
    return (atom / np.abs(atom).sum()).astype(np.complex64)


def _centroid_from_end(atom: NDArray[np.complex64]) -> float:
    weight = np.abs(atom)
    return float((weight * np.arange(len(atom) - 1, -1, -1)).sum() / weight.sum())


def _banks(atoms: list[NDArray[np.complex64]]) -> list[NDArray[np.float32]]:
    """Matrices (2 * bins, length): each bin's cosine and sine, right-aligned.

    Each row lies in one piece: a single hop is one pass over all of this, and waits for memory.
    """
    return [_matrix(atoms[i[0] : i[-1] + 1]) for i in np.array_split(range(len(atoms)), BANKS)]


def _matrix(atoms: list[NDArray[np.complex64]]) -> NDArray[np.float32]:
    length = max(len(atom) for atom in atoms)
    aligned = np.stack([np.pad(atom, (length - len(atom), 0)) for atom in atoms], axis=1)
    return np.ascontiguousarray(aligned.view(np.float32).T)
