"""Write a model's live step down for ONNX Runtime, see models/exported.py."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn

from ..models.checkpoint import EXPORTED, load_model
from ..models.exported import DIGEST_KEY, INPUTS, digest
from ..models.network import Answer, Network


def export_model(weights: Path) -> Path:
    """Write ``<weights>.onnx`` beside the weights; a crash in between leaves the old file whole."""
    network, _ = load_model(weights)
    with _quietly():
        program = torch.onnx.export(
            _Hop(network).eval(),
            _example(network),
            dynamo=True,
            input_names=INPUTS,
            output_names=[f"new_{name}" for name in Answer._fields],
            verbose=False,
        )
    assert program
    for node in program.model.graph.all_nodes():
        node.metadata_props.clear()  # where in whose folders each operation was written
    program.model.metadata_props[DIGEST_KEY] = digest(weights)
    path = weights.with_suffix(EXPORTED)
    unfinished = path.with_suffix(".tmp")
    program.save(unfinished)
    return unfinished.replace(path)


@contextmanager
def _quietly() -> Iterator[None]:
    """Without what the exporter says of operators and versions that do not concern us."""
    exporter = logging.getLogger("torch.onnx")
    level = exporter.level
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exporter.setLevel(logging.ERROR)
        yield
    exporter.setLevel(level)


class _Hop(nn.Module):
    """``Network.notes`` as what a module does."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, features: Tensor, frames: Tensor, hidden: Tensor, cell: Tensor) -> Answer:
        return self.network.notes(features, frames, hidden, cell)


@torch.inference_mode()
def _example(network: Network) -> tuple[Tensor, ...]:
    """Arguments for one hop in mid-stream; their sizes are what counts."""
    audio = torch.zeros(1, network.vqt.config.hop)
    _, features, state = network.hear(audio, None)
    return tuple(each.clone() for each in (features, state.frames, state.hidden, state.cell))
