"""The models that ship in the package, by name; any other by path."""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path

import torch

from ..streaming.contracts import NotewireError
from .checkpoint import load_model
from .config import ModelConfig
from .devices import choose_device
from .exported import find_exported
from .graphed import GraphedHop
from .network import Network

SUFFIX = ".safetensors"
WEIGHTS = files("notewire.models")


def shipped_models() -> list[str]:
    """Names of the models in the package."""
    names = (item.name for item in WEIGHTS.iterdir())
    return sorted(name.removesuffix(SUFFIX) for name in names if name.endswith(SUFFIX))


def open_model(name: str, device: str = "cpu") -> tuple[Network, ModelConfig]:
    """A shipped model by name, or a file by path, ready on ``device``.

    On the processor live hops go through its exported form, where that lies beside it, on a GPU
    through a CUDA graph. Raises NotewireError if there is no such model or device.
    """
    target = choose_device(device)
    if name in shipped_models():
        with as_file(WEIGHTS) as folder:
            return _open(folder / f"{name}{SUFFIX}", target)
    if Path(name).suffix == SUFFIX or Path(name).exists():
        return _open(Path(name), target)
    have = ", ".join(shipped_models()) or "none"
    raise NotewireError(f"no model '{name}'; shipped: {have}, or give a {SUFFIX} file")


def _open(path: Path, device: torch.device) -> tuple[Network, ModelConfig]:
    network, config = load_model(path)
    network.to(device)
    if device.type == "cpu":
        network.one_hop = find_exported(path)
    elif device.type == "cuda":
        network.one_hop = GraphedHop(network)
    return network, config
