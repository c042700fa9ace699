"""A transcription to look at: what was played, what was heard, what was missed."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes

from .evaluate import Piece, Scores
from .scores import Notes, onset_matches

mpl.use("Agg")
import matplotlib.pyplot as plt

KINDS = (("heard", "#2a9d8f"), ("missed", "#e63946"), ("false", "#f4a261"))


def plot_piano_roll(piece: Piece, path: Path, seconds: float = 20.0) -> None:
    """Draw the first ``seconds``: reference above, estimate below, in the colours of a verdict."""
    pairs = onset_matches(piece.reference, piece.estimate)
    hit_reference = np.isin(np.arange(len(piece.reference)), [r for r, _ in pairs])
    hit_estimate = np.isin(np.arange(len(piece.estimate)), [e for _, e in pairs])
    figure, (above, below) = plt.subplots(2, 1, figsize=(12, 7), sharex=True, sharey=True)
    _draw(above, piece.reference, hit_reference, "missed")
    _draw(below, piece.estimate, hit_estimate, "false")
    above.set_title(f"{piece.name}: reference (red: missed)", loc="left")
    below.set_title("Notewire, at the moment of the onset (orange: false)", loc="left")
    below.set_xlabel("seconds")
    below.set_xlim(0, min(seconds, piece.seconds))
    for axes in (above, below):
        axes.set_ylabel("MIDI pitch")
        axes.grid(alpha=0.2)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)


def plot_against_latency(ours: dict[str, Scores], others: dict[str, Scores], path: Path) -> None:
    """Onset F1 over the median latency; who does not say when works offline: a line across."""
    figure, axes = plt.subplots(figsize=(8, 5))
    points = sorted((s.latency_median, s.onset_f1, mode) for mode, s in ours.items())
    axes.plot([p[0] for p in points], [p[1] for p in points], "o-", color="#2a9d8f", linewidth=2)
    for latency, f1, mode in points:
        _label(axes, latency, f1, f"Notewire, {mode}", "#1d6f65")
    for name, scores in others.items():
        if np.isfinite(scores.latency_median):
            axes.plot(scores.latency_median, scores.onset_f1, "s", color="#e76f51")
            _label(axes, scores.latency_median, scores.onset_f1, name, "#a8452c")
        else:
            axes.axhline(scores.onset_f1, color="#999999", linestyle="--", linewidth=1)
            axes.text(
                0.99, scores.onset_f1 + 0.002, f"{name}, offline", ha="right", color="#666666",
                transform=axes.get_yaxis_transform(),
            )  # fmt: skip
    axes.set_xlim(0, max(220.0, 1.35 * points[-1][0]))
    axes.set_xlabel("median of (said - true onset), ms, computing not included")
    axes.set_ylabel("note-onset F1 (50 ms)")
    axes.grid(alpha=0.2)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _label(axes: Axes, x: float, y: float, text: str, colour: str) -> None:
    axes.annotate(text, (x, y), (8, -12), textcoords="offset points", color=colour)


def _draw(axes: Axes, notes: Notes, hit: np.ndarray, otherwise: str) -> None:
    colours = dict(KINDS)
    for (onset, offset, pitch, velocity), good in zip(notes, hit, strict=True):
        colour = colours["heard" if good else otherwise]
        strength = 0.35 + 0.65 * velocity / 127
        axes.barh(pitch, offset - onset, left=onset, height=0.85, color=colour, alpha=strength)
        axes.plot([onset, onset], [pitch - 0.45, pitch + 0.45], color=colour, linewidth=2)
