"""What a checkpoint says of itself: frozen, versioned, refusing what it does not know."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from ..streaming.contracts import NotewireError
from ..streaming.decoding import DecoderConfig
from ..streaming.vqt_config import VQTConfig

Mode = Literal["fast", "balanced", "accurate"]
MODES: tuple[Mode, ...] = ("fast", "balanced", "accurate")


class NetworkConfig(BaseModel):
    """Sizes of the network; ``look_ahead``: samples heard after a frame before it is judged."""

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
    look_ahead: dict[Mode, int] = {"fast": 256, "balanced": 640, "accurate": 2240}


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
