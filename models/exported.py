"""A model's live step, ready made for the processor: ``piano.onnx`` beside ``piano.safetensors``.

It is ``Network.notes`` for one hop of one stream, written down by training/export.py and run by
ONNX Runtime in two fifths of the time that torch takes for so many small operations. It says which
weights it was made from, so that it can never speak for others.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import onnxruntime
import torch
from torch import Tensor

from ..streaming.contracts import NotewireError
from .checkpoint import EXPORTED
from .network import Answer

DIGEST_KEY = "notewire_weights"
INPUTS = ("features", "frames", "hidden", "cell")


class ExportedHop:
    """``answer = hop(features, frames, hidden, cell)``, as ``Network.notes`` of one hop, float32.

    Raises NotewireError for a file that is damaged or was made from other weights.
    """

    def __init__(self, path: Path, weights: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # a hop is too small to share
        try:
            self._session = onnxruntime.InferenceSession(
                path, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # its errors have no class in common
            raise NotewireError(f"{path}: cannot be read ({error}); {_cure(weights)}") from error
        if self._session.get_modelmeta().custom_metadata_map.get(DIGEST_KEY) != digest(weights):
            raise NotewireError(f"{path}: made from other weights than {weights}; {_cure(weights)}")

    def __call__(self, *given: Tensor) -> Answer:
        arrays = (tensor.numpy() for tensor in given)
        said = self._session.run(None, dict(zip(INPUTS, arrays, strict=True)))
        return Answer(*map(torch.from_numpy, said))


def find_exported(weights: Path) -> ExportedHop | None:
    """The file beside the weights, if there is one. Raises NotewireError if it does not fit."""
    path = weights.with_suffix(EXPORTED)
    return ExportedHop(path, weights) if path.is_file() else None


def digest(weights: Path) -> str:
    with weights.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _cure(weights: Path) -> str:
    return f"make it anew with `notewire export {weights}`, or delete it"
