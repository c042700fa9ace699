"""What all tests share: the environment in the header, one thread, a tiny network, a second try."""

from __future__ import annotations

import platform
import signal
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))

from notewire.models.config import ModelConfig, NetworkConfig
from notewire.models.network import Network

torch.set_num_threads(1)

# A shell that starts us in the background has Ctrl-C ignored, and children would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


REAL_TIME = {"subprocess", "threading", "time"}  # what is imported where a test waits


def pytest_collection_modifyitems(items: list[pytest.Function]) -> None:
    """A busy machine may spoil what happens in real time, once; the summary tells of it."""
    for item in items:
        if vars(item.module).keys() & REAL_TIME:
            item.add_marker(pytest.mark.flaky(reruns=1))


def pytest_report_header() -> str:
    versions = f"torch {torch.__version__}, numpy {np.__version__}"
    return f"{platform.platform()}, Python {platform.python_version()}, {versions}"


@pytest.fixture(scope="session")
def tiny_config() -> ModelConfig:
    sizes = NetworkConfig(channels=16, summary=16, mixing_heads=4, hidden=8, layers=2)
    return ModelConfig(name="tiny", network=sizes)


@pytest.fixture(scope="session")
def tiny_network(tiny_config: ModelConfig) -> Network:
    """Random weights, large enough to make the outputs move."""
    torch.manual_seed(3)
    network = Network(tiny_config)
    with torch.no_grad():
        network.heads.weight.mul_(30)
    return network.eval().requires_grad_(False)
