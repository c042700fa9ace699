"""``notewire bench``: what the engine costs on this machine, on real music."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from ..models.config import MODES, Mode, ModelConfig
from ..models.library import open_model
from ..models.network import Network
from ..models.timing import time_hops
from ..models.transcriber import Transcriber
from ..streaming.decoding import DecoderConfig
from .config import Config
from .output import check_writable, write_json
from .sources import demo_audio

BLOCKS_MS = (5.0, 10.0, 20.0, 40.0, 100.0, 1000.0)


@dataclass(frozen=True, slots=True)
class Row:
    """One way of running: milliseconds for each block, share of real time, memory in MB."""

    mode: Mode
    block_ms: float
    median_ms: float
    p99_ms: float
    share: float
    memory_mb: float


def run_bench(config: Config, seconds: float, json: Path | None) -> None:
    """Print how cost grows with block size and mode; ``seconds`` of music for each row."""
    check_writable(json)
    torch.set_num_threads(config.threads)
    network, model = open_model(config.model, config.device)
    audio, rate = demo_audio(seconds)
    # memory is a peak: what needs least comes first
    cases: list[tuple[Mode, float]] = [(mode, BLOCKS_MS[0]) for mode in MODES]
    for block_ms in BLOCKS_MS[1:]:
        cases.append(("balanced", block_ms))
    rows = [
        measure(network, model, audio, rate, *case, config.decoder_for(model.tuned(case[0])))
        for case in track(cases, "Measuring")
    ]
    title = f"{config.model} on {config.device}, {config.threads} thread(s), input {rate} Hz"
    Console().print(table(rows, title))
    if json:
        write_json(json, [asdict(row) for row in rows])


def measure(
    network: Network,
    model: ModelConfig,
    audio: NDArray[np.float32],
    rate: int,
    mode: Mode,
    block_ms: float,
    decoder: DecoderConfig,
) -> Row:
    """Feed ``audio`` in blocks of ``block_ms`` and time each."""
    transcriber = Transcriber(network, model, rate, mode, decoder)
    times = time_hops(transcriber, audio, round(block_ms * 1e-3 * rate))
    median, p99 = (1000 * float(p) for p in np.percentile(times, [50, 99]))
    share = 1000 * float(np.mean(times)) / block_ms
    return Row(mode, block_ms, median, p99, share, peak_memory_mb())


def peak_memory_mb() -> float:
    """The most memory that this process has held so far."""
    try:
        import resource
    except ImportError:  # Windows
        return float("nan")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)


def table(rows: list[Row], title: str) -> Table:
    out = Table("Mode", "Block", "Median", "p99", "Of real time", "Peak memory", title=title)
    for row in rows:
        out.add_row(
            row.mode,
            f"{row.block_ms:g} ms",
            f"{row.median_ms:.2f} ms",
            f"{row.p99_ms:.2f} ms",
            f"{row.share:.1%}",
            f"{row.memory_mb:.0f} MB",
        )
    return out
