"""Other systems' transcriptions of the same recordings, to stand in the same table.

A peer is a folder of ``<recording>.tsv``: onset, offset, pitch, velocity and, for a live system,
when the note was said, in seconds.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from ..streaming.contracts import NotewireError
from .evaluate import Piece, within


def find_peers(folder: Path) -> list[Path]:
    """The peers in a folder of folders. Raises NotewireError if there are none."""
    peers = sorted(p for p in folder.glob("*") if p.is_dir() and any(p.glob("*.tsv")))
    if not peers:
        raise NotewireError(f"{folder}: no peers; each is a folder of <recording>.tsv")
    return peers


def peer_pieces(peer: Path, pieces: list[Piece]) -> list[Piece]:
    """``pieces`` as the peer heard them, cut to the same length; those it lacks are left out."""
    there = [(piece, peer / f"{piece.name}.tsv") for piece in pieces]
    return [_heard(piece, path) for piece, path in there if path.is_file()]


def _heard(piece: Piece, path: Path) -> Piece:
    try:
        rows = np.loadtxt(path, ndmin=2)
    except ValueError as error:
        raise NotewireError(f"{path}: not a table of notes ({error})") from error
    rows = within(rows, piece.seconds)
    emitted = rows[:, 4] if rows.shape[1] > 4 else np.full(len(rows), np.nan)
    return replace(piece, estimate=rows[:, :4], emitted=emitted)
