"""Scores as tables for people."""

from __future__ import annotations

from typing import Any

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.table import Table

from ..training.evaluate import Piece, Scores, score


def summary(
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


def parts(scores: dict[str, Any], mode: str, by: str) -> Table:
    """Scores of a part of the notes a row: by octave, by instrument."""
    table = _table(by, "notes", *COLUMNS, title=f"{mode}, by {by}")
    for name, values in scores.items():
        table.add_row(name, str(values["notes"]), *_cells(Scores(**values)))
    return table


def pedal_table(modes: dict[str, Any]) -> Table:
    """Scores of the sustain pedal, a row a mode."""
    counts = ", ".join(sorted({str(scores["recordings"]) for scores in modes.values()}))
    table = _table("mode", *PEDAL_COLUMNS, title=f"sustain pedal, {counts} recordings")
    for mode, scores in modes.items():
        table.add_row(mode, *(_share(v) for k, v in scores.items() if k != "recordings"))
    return table


PEDAL_COLUMNS = ("frame\nP", "\nR", "\nF1", "press\nF1", "+release\nF1")

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
    return [*map(_share, shares), *latency]


def _share(value: float) -> str:
    return f"{value:.3f}".removeprefix("0")


def _whole(value: float) -> str:
    return f"{value:.0f}" if np.isfinite(value) else "-"
