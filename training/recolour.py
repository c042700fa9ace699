"""Another room, microphone and level for each recording of a batch, on the processor or a GPU.

Audio is (batch, samples), float32, and stays where it lies; every one of the batch gets changes of
its own. Levels in dB, times in seconds, frequencies in Hz.
"""

from __future__ import annotations

import math

import torch
from scipy.fft import next_fast_len
from torch import Tensor, fft

from .augment import Audio, AugmentConfig

KNOTS = 9  # of an equaliser's curve, from 20 Hz to 8 kHz
LOWEST, OCTAVES = 20.0, math.log2(8000 / 20)
BANDS = range(-3, 4)  # octaves from 1 kHz, each with a decay of its own
HUMS = 5  # partials of the mains


class Draw:
    """Random numbers for each of a batch, (batch, 1) unless a size is given."""

    def __init__(self, audio: Tensor, random: torch.Generator) -> None:
        self._batch, self._where = len(audio), {"device": audio.device, "generator": random}

    def between(self, low: float, high: float, size: int = 1) -> Tensor:
        return low + (high - low) * torch.rand(self._batch, size, **self._where)

    def chance(self, share: float, size: int = 1) -> Tensor:
        """1.0 with the probability ``share``, else 0.0."""
        return (self.between(0, 1, size) < share).float()

    def normal(self, size: int) -> Tensor:
        return torch.randn(self._batch, size, **self._where)


def recolour(audio: Tensor, rate: int, config: AugmentConfig, random: torch.Generator) -> Tensor:
    """``audio`` heard otherwise; silence before it is taken as given. ``random`` lies beside it."""
    draw = Draw(audio, random)
    audio = _filter(audio, rate, config, draw) * ratio(draw.between(*config.gain_db))
    audio = audio + _noise(audio, rate, config, draw)
    ceiling = audio.abs().amax(1, True) * draw.between(*config.clip_ceiling)
    clipped = draw.chance(config.clip_chance) > 0
    return torch.where(clipped, audio.clamp(-ceiling, ceiling), audio)


def recoloured(audio: Audio, rate: int, config: AugmentConfig, seed: int) -> Audio:
    """``recolour`` for one recording, (samples,), the same for the same seed."""
    random = torch.Generator().manual_seed(seed)
    return recolour(torch.from_numpy(audio)[None], rate, config, random)[0].numpy()


def ratio(decibels: Tensor) -> Tensor:
    return 10 ** (decibels / 20)


def _filter(audio: Tensor, rate: int, config: AugmentConfig, draw: Draw) -> Tensor:
    """Room and equaliser in one pass through the frequency domain."""
    room = _room(audio, rate, config, draw)
    size = int(next_fast_len(audio.shape[1] + room.shape[1], True) or 0)
    spectrum = fft.rfft(audio, size) * fft.rfft(room, size)
    return fft.irfft(spectrum * _tone(_frequencies(audio, size, rate), config, draw), size)[
        :, : audio.shape[1]
    ]


def _frequencies(audio: Tensor, size: int, rate: int) -> Tensor:
    return fft.rfftfreq(size, 1 / rate, device=audio.device)


def _room(audio: Tensor, rate: int, config: AugmentConfig, draw: Draw) -> Tensor:
    """Impulse responses: the direct sound, then decaying noise, of which bass is left longest."""
    size = max(1, int(rate * config.room_decay[1]))
    time = torch.arange(size, device=audio.device) / rate
    decay = draw.between(*config.room_decay).clamp(min=1 / rate)
    darker = draw.between(0, config.room_darker)
    tail = _decayed(draw.normal(size) * draw.chance(0.5, size), rate, decay, darker)
    tail = tail * ((time > draw.between(0.0005, 0.02)) & (time < decay))
    wet = ratio(draw.between(*config.room_wet_db)) * draw.chance(config.room_chance)
    tail = tail * wet / (tail.square().sum(1, True).sqrt() + 1e-9)
    tail[:, 0] = 1.0
    return tail


def _decayed(noise: Tensor, rate: int, decay: Tensor, darker: Tensor) -> Tensor:
    """Noise that falls by 60 dB in ``decay`` s at 1 kHz, ``darker`` octaves faster each octave."""
    time = torch.arange(noise.shape[1], device=noise.device) / rate
    spectrum, heard = fft.rfft(noise), torch.zeros_like(noise)
    octaves = (_frequencies(noise, noise.shape[1], rate).clamp(min=1) / 1000).log2().round()
    place = octaves.clamp(BANDS[0], BANDS[-1])
    for band in BANDS:
        part = fft.irfft(spectrum * (place == band), noise.shape[1])
        heard += part * 10 ** (-3 * time / (decay * 2 ** (-darker * band)))
    return heard


def _tone(frequencies: Tensor, config: AugmentConfig, draw: Draw) -> Tensor:
    """Factors of smooth equalisers, some with a cheap microphone's missing ends."""
    octave = (frequencies / LOWEST).clamp(min=1).log2().clamp(max=OCTAVES)
    knots = draw.normal(KNOTS) * config.tone_db / 2 * draw.chance(config.tone_chance)
    place = octave / OCTAVES * (KNOTS - 1)
    below = place.long().clamp(max=KNOTS - 2)
    curve = torch.lerp(knots[:, below], knots[:, below + 1], place - below)
    low, high = draw.between(60, 300).log2(), draw.between(3000, 8000).log2()
    missing = 12 * (low - octave - math.log2(LOWEST)).clamp(min=0)
    missing += 18 * (octave + math.log2(LOWEST) - high).clamp(min=0)
    return ratio(curve - missing * draw.chance(config.microphone_chance))


def _noise(audio: Tensor, rate: int, config: AugmentConfig, draw: Draw) -> Tensor:
    """Coloured noise, sometimes with mains hum, at a drawn ratio to the music's level."""
    size = int(next_fast_len(audio.shape[1], True) or 0)
    spectrum = fft.rfft(draw.normal(size))
    spectrum /= _frequencies(audio, size, rate).clamp(min=30) ** draw.between(0, 1)
    noise = fft.irfft(spectrum, size)[:, : audio.shape[1]]
    noise = noise / (noise.std(1, keepdim=True) + 1e-9)
    noise = noise + draw.chance(config.hum_chance) * _hum(audio, rate, draw)
    level = ratio(-draw.between(*config.noise_snr_db)) * draw.chance(config.noise_chance)
    return noise * level * audio.std(1, keepdim=True)


def _hum(audio: Tensor, rate: int, draw: Draw) -> Tensor:
    """The mains, 50 or 60 Hz, and their overtones."""
    time = torch.arange(audio.shape[1], device=audio.device) / rate
    mains, hum = 50 + 10 * draw.chance(0.5), torch.zeros_like(audio)
    for partial in range(1, HUMS + 1):
        level = -draw.between(0, 1).clamp(min=1e-9).log() / partial  # exponential
        hum += level * torch.sin(2 * math.pi * partial * mains * time)
    return hum
