"""``notewire evaluate``: tables for people, JSON for programs, a picture for both."""

from __future__ import annotations

from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from ..models.config import MODES, ModelConfig
from ..models.library import open_model
from ..models.network import Network
from ..models.timing import time_hops
from ..models.transcriber import Transcriber
from ..streaming.contracts import NotewireError
from .audio_file import AudioFile
from .config import Config
from .output import check_writable, write_json

try:
    from ..training.evaluate import Piece, Scores, evaluate, score, score_octaves
    from ..training.peers import find_peers, peer_pieces
    from ..training.plots import plot_against_latency, plot_piano_roll
    from ..training.recordings import Recording, find_recordings
    from ..training.robustness import CONDITIONS, evaluate_condition
except ImportError as error:
    raise NotewireError(f"{error.name} is missing: pip install 'notewire[train]'") from error

PROBE_SECONDS = 10
WIDTH = 90


def evaluate_paths(
    paths: list[Path],
    config: Config,
    *,
    all_modes: bool,
    json: Path | None,
    plot: Path | None,
    piece: str | None,
    peers: Path | None,
    robustness: bool,
    curve: Path | None,
) -> None:
    """Score and print. Raises NotewireError where there is nothing to score."""
    check_writable(json, plot, curve)
    torch.set_num_threads(config.threads)
    recordings = find_recordings(paths)
    if not recordings:
        names = ", ".join(str(path) for path in paths)
        raise NotewireError(f"{names}: no recordings with notes beside them (.tsv, or MAPS's .txt)")
    others = find_peers(peers) if peers else []
    chosen = _chosen([recording.name for recording in recordings], piece)
    network, model = open_model(config.model, config.device)
    report: dict[str, Any] = {}
    compute = compute_ms(network, model, recordings[0].audio)
    pieces: list[Piece] = []
    for mode in MODES if all_modes else (config.mode,):
        decoder = config.decoder_for(model.decoder[mode])
        pieces = evaluate(recordings, AudioFile, network, model, mode, decoder)
        report[mode] = _report(pieces, compute)
        if plot and mode == config.mode:
            plot_piano_roll(pieces[chosen], plot)
    heard = {
        peer.name if len(there) == len(pieces) else f"{peer.name} ({len(there)})": there
        for peer in others
        if (there := peer_pieces(peer, pieces))
    }
    console = Console()
    console.width = max(console.width, WIDTH)  # figures cut off are worse than lines that wrap
    console.print(_summary(report, heard, f"{config.model}: {len(recordings)} recordings"))
    for mode in report:
        console.print(_octaves(report[mode]["octaves"], mode))
    if curve:
        ours = {mode: Scores(**part["all"]) for mode, part in report.items()}
        plot_against_latency(ours, {name: score(there) for name, there in heard.items()}, curve)
    if robustness:
        rooms = _conditions(recordings, network, model, config)
        title = f"{config.model}, {config.mode}, elsewhere"
        console.print(_summary(rooms, {}, title, first="condition"))
        report["conditions"] = rooms
    if json:
        write_json(json, report)


def compute_ms(network: Network, model: ModelConfig, path: Path) -> float:
    """Median time of one hop, fed alone as live: it comes on top of the stream's own latency."""
    source = AudioFile(path)
    blocks = [block.samples for block in islice(source, PROBE_SECONDS)]
    audio = np.concatenate([np.zeros(0, np.float32), *blocks])
    transcriber = Transcriber(network, model, source.rate)
    return 1000 * float(np.median(time_hops(transcriber, audio, source.rate // 50)))


def _report(pieces: list[Piece], compute: float) -> dict[str, Any]:
    return {
        "all": asdict(score(pieces)),
        "compute_ms": compute,
        "octaves": {name: asdict(scores) for name, scores in score_octaves(pieces).items()},
        "pieces": {piece.name: asdict(score([piece])) for piece in pieces},
    }


def _conditions(
    recordings: list[Recording], network: Network, model: ModelConfig, config: Config
) -> dict[str, Any]:
    """Scores in one mode under every condition."""
    mode = config.mode
    decoder = config.decoder_for(model.decoder[mode])
    what = (recordings, AudioFile, network, model, mode, decoder)
    return {c.name: {"all": asdict(score(evaluate_condition(c, *what)))} for c in CONDITIONS}


def _chosen(names: list[str], part: str | None) -> int:
    """Which piece to draw."""
    matches = [i for i, name in enumerate(names) if (part or "") in name]
    if not matches:
        raise NotewireError(f"no piece with '{part}' in its name; there are {', '.join(names)}")
    return matches[0]


def _summary(
    report: dict[str, Any], peers: dict[str, list[Piece]], title: str, first: str = "mode"
) -> Table:
    table = _table(first, *COLUMNS, "hop\nms", title=title)
    for mode, part in report.items():
        compute = part.get("compute_ms")
        hop = f"{compute:.1f}" if compute else "-"
        table.add_row(mode, *_cells(Scores(**part["all"])), hop)
    for name, pieces in peers.items():
        table.add_row(name, *_cells(score(pieces)), "-")
    return table


def _octaves(octaves: dict[str, Any], mode: str) -> Table:
    table = _table("from", "notes", *COLUMNS, title=f"{mode}, by octave")
    for name, values in octaves.items():
        table.add_row(name, str(values["notes"]), *_cells(Scores(**values)))
    return table


# Latency: emitted - true onset; the time of one hop comes on top of it.
COLUMNS = (
    "onset\nP",
    "\nR",
    "\nF1",
    "+off\nF1",
    "+vel\nF1",
    "frame\nP",
    "\nR",
    "\nF1",
    "\nacc",
    "ms\np50",
    "\np95",
)


def _table(*columns: str, title: str) -> Table:
    table = Table(title=title, box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in columns:
        table.add_column(column, justify="left" if column == columns[0] else "right", no_wrap=True)
    return table


def _cells(scores: Scores) -> list[str]:
    shares = (
        scores.onset_precision,
        scores.onset_recall,
        scores.onset_f1,
        scores.offset_f1,
        scores.velocity_f1,
        scores.frame_precision,
        scores.frame_recall,
        scores.frame_f1,
        scores.frame_accuracy,
    )
    latency = [_whole(scores.latency_median), _whole(scores.latency_p95)]
    return [f"{value:.3f}".removeprefix("0") for value in shares] + latency


def _whole(value: float) -> str:
    return f"{value:.0f}" if np.isfinite(value) else "-"
