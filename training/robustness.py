"""The same recordings in other rooms, through other microphones, out of tune, in noise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.progress import track

from ..models.config import Mode, ModelConfig
from ..models.network import Network
from ..streaming.contracts import AudioBlock
from ..streaming.decoding import DecoderConfig
from .augment import AugmentConfig, speed
from .evaluate import OpenSource, Piece, hear
from .noises import Audio
from .recolour import recoloured
from .recordings import Recording
from .scores import Notes

UNTOUCHED = AugmentConfig(
    detune_chance=0,
    gain_db=(0, 0),
    tone_chance=0,
    microphone_chance=0,
    room_chance=0,
    noise_chance=0,
    hum_chance=0,
    clip_chance=0,
)
SEED = 7  # the same room and the same noise for every model


@dataclass(frozen=True)
class Condition:
    """What happens to a recording: a fixed augmentation, and how much faster it runs."""

    name: str
    augment: AugmentConfig = UNTOUCHED
    ratio: float = 1.0

    def source(self, open_source: OpenSource, path: Path) -> Altered:
        """The file under this condition, as a source of blocks."""
        return Altered(self, open_source, path)

    def notes(self, recording: Recording) -> Notes:
        """The reference, as fast as the sound."""
        notes = recording.notes()
        notes[:, :2] /= self.ratio
        return notes


class Altered:
    """A whole recording, changed in memory and cut into blocks of one second."""

    def __init__(self, condition: Condition, open_source: OpenSource, path: Path) -> None:
        source = open_source(path)
        self.rate = source.rate
        whole = np.concatenate([np.zeros(0, np.float32), *(block.samples for block in source)])
        self.audio = alter(whole, self.rate, condition)

    def __iter__(self) -> Iterator[AudioBlock]:
        for begin in range(0, len(self.audio), self.rate):
            yield AudioBlock(begin, self.audio[begin : begin + self.rate])


def evaluate_condition(
    condition: Condition,
    recordings: list[Recording],
    open_source: OpenSource,
    network: Network,
    config: ModelConfig,
    mode: Mode,
    decoder: DecoderConfig | None = None,
) -> list[Piece]:
    """The same as ``evaluate`` for recordings changed as ``condition`` says."""
    pieces = []
    for recording in track(recordings, f"Streaming, {condition.name}"):
        source = condition.source(open_source, recording.audio)
        notes = condition.notes(recording)
        pieces.append(hear(recording.name, source, notes, network, config, mode, decoder))
    return pieces


def alter(audio: Audio, rate: int, condition: Condition) -> Audio:
    """``audio`` under a condition, the same each time."""
    if not len(audio):
        return audio
    return recoloured(speed(audio, condition.ratio), rate, condition.augment, SEED)


def _with(**changes: object) -> AugmentConfig:
    return UNTOUCHED.model_copy(update=changes)


def _noise(snr: float) -> AugmentConfig:
    return _with(noise_chance=1, noise_snr_db=(snr, snr))


CONDITIONS = (
    Condition("as recorded"),
    Condition("room", _with(room_chance=1, room_decay=(0.6, 0.6), room_wet_db=(-6, -6))),
    Condition("phone microphone", _with(microphone_chance=1, tone_chance=1)),
    Condition("noise, 20 dB", _noise(20)),
    Condition("noise, 10 dB", _noise(10)),
    Condition("A4 = 435 Hz", ratio=435 / 440),
    Condition("A4 = 445 Hz", ratio=445 / 440),
    Condition("clipped by 6 dB", _with(clip_chance=1, clip_ceiling=(0.5, 0.5))),
    Condition("20 dB softer", _with(gain_db=(-20, -20))),
)
