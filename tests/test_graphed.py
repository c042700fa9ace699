"""A hop as a CUDA graph: the same notes as on the processor. Runs where there is such a GPU."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from test_exported import heard, table
from torch import nn

from notewire.models.graphed import GraphedHop
from notewire.models.library import open_model, shipped_models
from notewire.models.recurrent import in_full

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")


@pytest.mark.parametrize("name", shipped_models())
def test_a_gpu_says_the_same_notes(name: str) -> None:
    network, config = open_model(name, "cuda")
    assert isinstance(network.one_hop, GraphedHop)
    graphed = table(heard(network, config))
    network.one_hop = None
    one_by_one = table(heard(network, config))
    alone = table(heard(*open_model(name, "cpu")))
    assert len(graphed) > 50
    assert (np.abs(graphed - one_by_one) <= [0, 0, 1, 1, 0]).all()
    assert (np.abs(graphed - alone) <= [0, 0, 1, 1, 0]).all()


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
def test_small_gradients_are_not_lost_under_autocast(kind: type[nn.LSTM | nn.GRU]) -> None:
    layer, x = kind(8, 8).cuda(), torch.randn(5, 3, 8, device="cuda")
    with torch.autocast("cuda", torch.bfloat16):
        heard, _ = in_full(layer, x.bfloat16(), None)
    (heard.sum() * 1e-9).backward()
    gradient = layer.all_weights[0][0].grad
    assert heard.dtype == torch.float32
    assert gradient is not None
    assert gradient.abs().max() > 0
