"""A live hop on a GPU in one launch: ``Network.notes`` recorded as a CUDA graph.

Launching some hundred small kernels one by one takes a processor longer than they take the GPU.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .network import Answer, Network

WARM_UP = 3  # calls before recording, in which libraries choose their kernels


class GraphedHop:
    """``answer = hop(features, frames, hidden, cell)``, as ``Network.notes`` of one hop.

    What it returns is the caller's to keep.
    """

    @torch.no_grad()
    def __init__(self, network: Network) -> None:
        self._given = _one_hop(network)
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(WARM_UP):
                network.notes(*self._given)
        torch.cuda.current_stream().wait_stream(side)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._said = network.notes(*self._given)

    def __call__(self, *given: Tensor) -> Answer:
        for mine, theirs in zip(self._given, given, strict=True):
            mine.copy_(theirs)
        self._graph.replay()
        return Answer(*(part.clone() for part in self._said))


def _one_hop(network: Network) -> tuple[Tensor, ...]:
    """Silence, in the shapes of one hop of one stream."""
    features = network.heads.weight.new_zeros(1, 1, network.vqt.config.bins)
    state = network.silence(features)
    return features, state.frames, state.hidden.clone(), state.cell.clone()
