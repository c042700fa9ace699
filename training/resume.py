"""A training's checkpoints: it may be stopped at any time and goes on from the last."""

from __future__ import annotations

from pathlib import Path

import torch

from ..models.checkpoint import save_model
from ..models.network import Network
from ..streaming.contracts import NotewireError
from .config import TrainConfig
from .schedule import Done


def weights_path(config: TrainConfig) -> Path:
    return config.output / f"{config.model.name}.safetensors"


def checkpoint(
    config: TrainConfig, network: Network, optimiser: torch.optim.Optimizer, done: Done
) -> None:
    save_model(network, config.model, weights_path(config))
    path, learned = config.output / "resume.pt", optimiser.state_dict()
    state = {"step": done.steps, "seconds": done.seconds, "optimiser": learned}
    torch.save(state | {"network": network.state_dict()}, path.with_suffix(".tmp"))
    path.with_suffix(".tmp").replace(path)


def resume(config: TrainConfig, network: Network, optimiser: torch.optim.Optimizer) -> Done:
    """What an earlier run in the same folder did; nothing for a new one."""
    path = config.output / "resume.pt"
    if not path.exists():
        return Done()
    saved = torch.load(path, weights_only=True, map_location="cpu")
    try:
        network.load_state_dict(saved["network"])
    except RuntimeError as error:
        cure = "delete it, or choose another output folder"
        raise NotewireError(f"{path}: is of a network of another shape; {cure}") from error
    optimiser.load_state_dict(saved["optimiser"])
    print(f"Going on from step {saved['step']} of {path}")
    return Done(int(saved["step"]), float(saved.get("seconds", 0.0)))
