"""What a checkpoint says of itself: frozen, versioned, refusing what it does not know."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from ..streaming.contracts import NotewireError
from ..streaming.decoding import DecoderConfig, FrameClock
from ..streaming.vqt_config import VQTConfig

Mode = Literal["fast", "balanced", "accurate"]
MODES: tuple[Mode, ...] = ("fast", "balanced", "accurate")


class NetworkConfig(BaseModel):
    """Sizes of the network, and the samples heard after a frame before it is judged.

    ``look_ahead``: once for each mode; ``sooner``: before that, where what is heard is sure.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    context: int = 4  # frames that the pitch encoder sees, the newest included
    harmonics: tuple[float, ...] = (0.5, 1, 2, 3, 4, 5, 6, 7, 8, 9)
    spread: int = 1  # bins on each side of a harmonic
    channels: int = 64
    summary: int = 128
    mixing_heads: int = 8
    hidden: int = 96
    layers: int = 1  # LSTMs over each pitch
    pedal: int = 0  # units that listen for the sustain pedal; 0: nobody does
    sooner: tuple[int, ...] = ()
    look_ahead: dict[Mode, int] = {"fast": 256, "balanced": 640, "accurate": 2240}

    @property
    def look_aheads(self) -> tuple[int, ...]:
        """One for each of the network's heads, samples."""
        return (*self.sooner, *self.look_ahead.values())


class ModelConfig(BaseModel):
    """All that is needed to rebuild a model: front end, network, decoder per mode."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    name: str = "unnamed"
    licence: str = "unstated"
    vqt: VQTConfig = VQTConfig()
    network: NetworkConfig = NetworkConfig()
    decoder: dict[Mode, DecoderConfig] = {mode: DecoderConfig() for mode in MODES}

    def tuned(self, mode: Mode) -> DecoderConfig:
        """The decoder chosen for a mode. Raises NotewireError if the model has no such mode."""
        if mode not in self.network.look_ahead:
            have = ", ".join(self.network.look_ahead)
            raise NotewireError(f"the model '{self.name}' has no mode '{mode}', only {have}")
        return self.decoder[mode]

    def heads(self, mode: Mode) -> list[int]:
        """Which of the network's heads are heard in a mode, by look-ahead, its own last."""
        waits, own = self.network.look_aheads, self.network.look_ahead[mode]
        heads = [head for head, wait in enumerate(waits) if wait <= own]
        return sorted(heads, key=waits.__getitem__)

    def clock(self, mode: Mode, delay: int = 0, phases: int = 1) -> FrameClock:
        """Of those heads. delay: held back by a resampler, samples; phases: of the decoder."""
        *sooner, own = (self.network.look_aheads[head] for head in self.heads(mode))
        return FrameClock(self.vqt.rate, self.vqt.hop, own, delay, tuple(sooner), phases)
