"""Recurrent layers, each run where it is quickest and as precisely as it needs."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

Memory = tuple[Tensor, Tensor]  # hidden and cell of one LSTM, each (1, batch, hidden)


def remember(lstm: nn.LSTM, x: Tensor, memory: Memory) -> tuple[Tensor, Memory]:
    """``lstm(x, memory)``; the single step of a live hop by the cell, in two thirds of the time.

    oneDNN lays the weights out anew at each call, which pays from a few steps on.
    """
    if len(x) > 1:
        return in_full(lstm, x, memory)
    hidden, cell = (part[0] for part in memory)
    hidden, cell = torch.lstm_cell(x[0], (hidden, cell), *lstm.all_weights[0])
    return hidden[None], (hidden[None], cell[None])


def in_full(
    layer: nn.LSTM | nn.GRU, x: Tensor, memory: Memory | Tensor | None
) -> tuple[Tensor, Any]:
    """``layer(x, memory)``, on a GPU with float32's range, whatever autocast asks for.

    There autocast makes it float16, even where bfloat16 was asked for (PyTorch's AutocastRNN.cpp),
    in which the gradients of a large batch cannot be told from zero.
    """
    if x.device.type != "cuda":
        return layer(x, memory)
    with torch.autocast("cuda", enabled=False):
        return layer(x.float(), memory)
