"""``notewire evaluate``: tables for people, JSON for programs, a picture for both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console

from ..models.config import Mode, ModelConfig
from ..models.library import open_model
from ..models.network import Network
from ..models.timing import time_hops
from ..models.transcriber import Transcriber
from ..streaming.contracts import NotewireError
from .audio_file import AudioFile
from .config import Config
from .output import check_writable, write_json

try:
    from ..training.breakdown import score_crowd, score_instruments, score_loudness, score_octaves
    from ..training.evaluate import Piece, Scores, evaluate, score
    from ..training.pedal_scores import score_pedals
    from ..training.peers import find_peers, peer_pieces
    from ..training.plots import plot_against_latency, plot_piano_roll
    from ..training.recordings import Recording, find_recordings
    from ..training.robustness import CONDITIONS, evaluate_condition
    from .score_tables import parts, pedal_table, summary
except ImportError as error:
    raise NotewireError(f"{error.name} is missing: pip install 'notewire[train]'") from error

BREAKDOWNS = {
    "octave": score_octaves,
    "velocity": score_loudness,
    "notes at once": score_crowd,
    "instrument": score_instruments,
}
PROBE_SECONDS = 10
WIDTH = 90
Model = tuple[Network, ModelConfig]


@dataclass(frozen=True)
class Wishes:
    """What is wanted beside the table."""

    json: Path | None = None
    plot: Path | None = None
    piece: str | None = None  # part of the plotted piece's name
    peers: Path | None = None
    curve: Path | None = None
    robustness: bool = False


def evaluate_paths(
    paths: list[Path], config: Config, modes: Sequence[Mode], wishes: Wishes
) -> None:
    """Score and print. Raises NotewireError where there is nothing to score."""
    check_writable(wishes.json, wishes.plot, wishes.curve)
    torch.set_num_threads(config.threads)
    recordings = _found(paths)
    others = find_peers(wishes.peers) if wishes.peers else []
    chosen = _chosen([recording.name for recording in recordings], wishes.piece)
    model = open_model(config.model, config.device)
    compute = compute_ms(*model, recordings[0].audio)
    torch.set_num_threads(config.threads_for_files())
    pieces = {mode: _evaluate(recordings, model, mode, config) for mode in modes}
    report = {mode: _report(there, compute) for mode, there in pieces.items()}
    heard = _heard(others, pieces[modes[-1]])
    console = Console()
    console.width = max(console.width, WIDTH)  # figures cut off are worse than lines that wrap
    console.print(summary(report, heard, f"{config.model}: {len(recordings)} recordings"))
    if any(part["pedal"] for part in report.values()):
        console.print(pedal_table({mode: part["pedal"] for mode, part in report.items()}))
    for mode, part in report.items():
        for by in BREAKDOWNS:
            if part[by]:
                console.print(parts(part[by], mode, by))
    _draw(wishes, report, heard, pieces[config.mode if config.mode in modes else modes[0]][chosen])
    if wishes.robustness:
        rooms = _conditions(recordings, model, config)
        console.print(summary(rooms, {}, f"{config.model}, {config.mode}", first="condition"))
        report["conditions"] = rooms
    if wishes.json:
        write_json(wishes.json, report)


def _found(paths: list[Path]) -> list[Recording]:
    recordings = find_recordings(paths)
    if not recordings:
        names = ", ".join(str(path) for path in paths)
        raise NotewireError(f"{names}: no recordings with notes; `notewire data --help` has more")
    return recordings


def _evaluate(recordings: list[Recording], model: Model, mode: Mode, config: Config) -> list[Piece]:
    decoder = config.decoder_for(model[1].decoder[mode])
    return evaluate(recordings, AudioFile, *model, mode, decoder)


def _heard(peers: list[Path], pieces: list[Piece]) -> dict[str, list[Piece]]:
    """What each peer heard; one that lacks pieces is named with their number."""
    heard = {peer.name: there for peer in peers if (there := peer_pieces(peer, pieces))}
    return {n if len(t) == len(pieces) else f"{n} ({len(t)})": t for n, t in heard.items()}


def _draw(
    wishes: Wishes, report: dict[str, Any], heard: dict[str, list[Piece]], piece: Piece
) -> None:
    if wishes.plot:
        plot_piano_roll(piece, wishes.plot)
    if wishes.curve:
        ours = {mode: Scores(**part["all"]) for mode, part in report.items()}
        others = {name: score(there) for name, there in heard.items()}
        plot_against_latency(ours, others, wishes.curve)


def compute_ms(network: Network, model: ModelConfig, path: Path) -> float:
    """Median time of one answer, fed alone as live: it comes on top of the stream's own latency."""
    source = AudioFile(path)
    blocks = [block.samples for block in islice(source, PROBE_SECONDS)]
    audio = np.concatenate([np.zeros(0, np.float32), *blocks])
    transcriber = Transcriber(network, model, source.rate)
    block = round(transcriber.step * source.rate / transcriber.rate)
    return 1000 * float(np.median(time_hops(transcriber, audio, block)))


def _report(pieces: list[Piece], compute: float) -> dict[str, Any]:
    return {
        "all": asdict(score(pieces)),
        "compute_ms": compute,
        "pedal": asdict(pedals) if (pedals := score_pedals(pieces)) else None,
        **{by: _each(scored(pieces)) for by, scored in BREAKDOWNS.items()},
        "pieces": {piece.name: asdict(score([piece])) for piece in pieces},
    }


def _each(scores: dict[str, Scores]) -> dict[str, Any]:
    return {name: asdict(values) for name, values in scores.items()}


def _conditions(recordings: list[Recording], model: Model, config: Config) -> dict[str, Any]:
    """Scores in one mode under every condition."""
    decoder = config.decoder_for(model[1].decoder[config.mode])
    what = (recordings, AudioFile, *model, config.mode, decoder)
    return {c.name: {"all": asdict(score(evaluate_condition(c, *what)))} for c in CONDITIONS}


def _chosen(names: list[str], part: str | None) -> int:
    """Which piece to draw."""
    matches = [i for i, name in enumerate(names) if (part or "") in name]
    if not matches:
        raise NotewireError(f"no piece with '{part}' in its name; there are {', '.join(names)}")
    return matches[0]
