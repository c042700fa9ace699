"""Data sets in one layout: flac at the model's rate and a tsv of notes, ready to travel."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from rich.progress import Progress

from .packing import decode
from .recordings import Recording

UNSAFE = re.compile(r"[^A-Za-z0-9.+-]+")


@dataclass(frozen=True, slots=True)
class Holding:
    """What there is of one instrument or data set."""

    recordings: int
    titles: int
    hours: float
    notes: int


def holdings(recordings: list[Recording]) -> dict[str, Holding]:
    """Recordings counted by instrument, without the number or player at its end."""
    groups: dict[str, list[Recording]] = {}
    for recording in recordings:
        groups.setdefault(re.sub(r"-?\d+$", "", recording.instrument), []).append(recording)
    return {name: _hold(group) for name, group in sorted(groups.items())}


def convert(recordings: list[Recording], out: Path, rate: int) -> Iterator[Path]:
    """Write what is not there yet, one recording at a time; the flacs written.

    Titles and instruments stay readable from the names: ``<title>_<instrument>.flac``. A run that
    is broken off leaves whole files only, and the next goes on.
    """
    out.mkdir(parents=True, exist_ok=True)
    with Progress() as progress:
        for recording, name in progress.track(_names(recordings), description="Preparing"):
            path = out / f"{name}.flac"
            if not path.exists():
                _write(recording, path, rate)
                yield path


def _hold(group: list[Recording]) -> Holding:
    seconds = sum(soundfile.info(r.audio).duration for r in group)
    notes = sum(len(r.notes()) for r in group)
    return Holding(len(group), len({r.title for r in group}), seconds / 3600, notes)


def _names(recordings: list[Recording]) -> list[tuple[Recording, str]]:
    """File names; recordings of one title on one instrument are numbered."""
    seen: Counter[str] = Counter()
    named = []
    for recording in recordings:
        name = f"{_safe(recording.title)}_{_safe(recording.instrument)}"
        seen[name] += 1
        named.append((recording, name if seen[name] == 1 else f"{name}-{seen[name]}"))
    return named


def _safe(text: str) -> str:
    """Without what file systems or the layout give a meaning to."""
    return UNSAFE.sub("-", text).strip("-")


def _write(recording: Recording, path: Path, rate: int) -> None:
    """The notes first: a flac is there only when all is."""
    np.savetxt(path.with_suffix(".tsv"), recording.notes(), fmt="%.6f", delimiter="\t")
    unfinished = path.with_suffix(".tmp")
    soundfile.write(unfinished, decode(recording.audio, rate), rate, format="FLAC")
    unfinished.replace(path)
