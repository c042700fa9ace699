"""Whether the sustain pedal is down, from the whole frame and from what every key is taken for.

A pedal shows in notes that outlast a hand, in what ends together when it rises, and in the haze of
all the strings that swing along; so the keys are summed up (mean and maximum) beside the spectrum,
and a GRU follows. What it learns changes nothing for the notes: they are taken as they are.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..streaming.vqt_config import VQTConfig
from .config import NetworkConfig
from .recurrent import in_full


class PedalHead(nn.Module):
    """``logits, memory = head(frames, keys, memory)``

    frames: (batch, hops, bins); keys: (hops, batch, 88, hidden), after all layers. logits: (batch,
    hops, look-aheads); memory: (1, batch, pedal).
    """

    def __init__(self, vqt: VQTConfig, sizes: NetworkConfig) -> None:
        super().__init__()
        self.frames = nn.Linear(vqt.bins, sizes.pedal)
        self.keys = nn.Linear(sizes.hidden, sizes.pedal)
        self.gru = nn.GRU(3 * sizes.pedal, sizes.pedal)
        self.out = nn.Linear(sizes.pedal, len(sizes.look_aheads))

    def forward(self, frames: Tensor, keys: Tensor, memory: Tensor | None) -> tuple[Tensor, Tensor]:
        seen = torch.relu(self.frames(frames.detach())).transpose(0, 1)
        heard = torch.relu(self.keys(keys.detach()))
        x = torch.cat([seen, heard.mean(2), heard.amax(2)], dim=-1)
        x, newest = in_full(self.gru, x, memory)
        return self.out(x).transpose(0, 1), newest
