"""Weights and their configuration in one safetensors file."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from ..streaming.contracts import NotewireError
from .config import ModelConfig
from .network import Network

CONFIG_KEY = "notewire"
EXPORTED = ".onnx"  # of the live step beside its weights, see exported.py


def save_model(network: Network, config: ModelConfig, path: Path) -> None:
    """Write weights and config; a crash in between leaves the old file whole.

    What was exported from the weights that were there goes with them.
    """
    tensors = {name: value.contiguous() for name, value in network.state_dict().items()}
    unfinished = path.with_suffix(".tmp")
    save_file(tensors, unfinished, {CONFIG_KEY: config.model_dump_json()})
    path.with_suffix(EXPORTED).unlink(missing_ok=True)
    unfinished.replace(path)


def load_model(path: Path) -> tuple[Network, ModelConfig]:
    """Rebuild a network for inference, on the CPU.

    Raises NotewireError if the file is missing or does not fit.
    """
    config, tensors = _read(path)
    network = Network(config)
    try:
        network.load_state_dict(tensors)
    except RuntimeError as error:
        raise NotewireError(f"{path}: the weights do not fit their config ({error})") from error
    return network.eval().requires_grad_(False), config


def _read(path: Path) -> tuple[ModelConfig, dict]:
    if not path.is_file():
        raise NotewireError(f"{path}: no such model file")
    try:
        with safe_open(path, framework="pt") as file:
            text = (file.metadata() or {}).get(CONFIG_KEY)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise NotewireError(f"{path}: not a safetensors file ({error})") from error
    if text is None:
        raise NotewireError(f"{path}: not a notewire model (no config inside)")
    try:
        return ModelConfig.model_validate_json(text), tensors
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise NotewireError(
            f"{path}: made by another version of notewire ({where}: {first['msg']}); "
            "update notewire or use a model of this version"
        ) from error
