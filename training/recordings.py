"""Recordings with aligned notes, found in the layouts in which their authors publish them.

| data set | audio | notes |
|---|---|---|
| MAPS | ``.../MAPS_MUS-<title>_<instrument>.wav`` | ``.txt`` and ``.mid`` beside it |
| its flac copy | ``flac/<same name>.flac`` | ``tsv/matched/<same name>.tsv`` |
| MAESTRO | ``<year>/<name>.wav`` | ``.midi`` beside it; works in ``maestro-*.csv`` |
| MusicNet | ``train_data/<id>.wav`` | ``train_labels/<id>.csv``; works in ``*_metadata.csv`` |
| GuitarSet | ``audio_*/<name>_mic.wav``, ``_mix``, ... | ``annotation/<name>.jams`` |
| one's own | ``<title>_<instrument>.<any>`` | ``.tsv`` or ``.mid`` beside it |
"""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..streaming.contracts import NotewireError
from .labels import read_notes
from .pedals import Pedals, read_pedals
from .scores import Notes

AUDIO_SUFFIXES = (".wav", ".flac", ".mp3", ".ogg", ".m4a")
BESIDE = (".tsv", ".txt", ".midi", ".mid")  # in this order: MAPS has .txt and .mid


@dataclass(frozen=True)
class Recording:
    """One audio file and the file that says its notes.

    ``title``: the piece, whoever plays it, for pieces recur and splits go by title.
    """

    audio: Path
    labels: Path
    title: str
    instrument: str

    @property
    def name(self) -> str:
        return self.audio.stem

    def notes(self) -> Notes:
        """(n, 4): onset s, offset s, MIDI pitch, velocity 0..127, 0 where it is not known."""
        return read_notes(self.labels)

    def pedals(self) -> Pedals | None:
        """(n, 2): down s, up s, of the sustain pedal; None where nobody knows."""
        return read_pedals(self.labels)


def held_out(title: str, share: float) -> bool:
    """Whether a title belongs to the held-out part; decided by its name, so always the same."""
    digest = hashlib.sha256(title.encode()).digest()
    return int.from_bytes(digest[:4], "big") / 2**32 < share


def find_recordings(paths: list[Path]) -> list[Recording]:
    """All labelled recordings among files and, recursively, folders, in a stable order."""
    files = [file for path in paths for file in audio_files(path)]
    return [found for file in files if (found := _recording(file))]


def audio_files(path: Path) -> list[Path]:
    """A sound file, or all of a folder; raises NotewireError where there is neither."""
    if not path.exists():
        raise NotewireError(f"{path}: no such file or folder")
    if path.is_file():
        return [path]
    return sorted(p for p in path.rglob("*") if p.suffix.lower() in AUDIO_SUFFIXES)


def _recording(audio: Path) -> Recording | None:
    """The first layout in which the file has notes."""
    layouts = (_beside, _matched, _musicnet, _guitarset)
    return next((found for layout in layouts if (found := layout(audio))), None)


def _beside(audio: Path) -> Recording | None:
    labels = next((p for s in BESIDE if (p := audio.with_suffix(s)).is_file()), None)
    if labels and labels.suffix == ".midi" and (work := _maestro_works(audio).get(audio.name)):
        return Recording(audio, labels, work, "maestro-piano")
    return Recording(audio, labels, *_named(audio.stem)) if labels else None


def _matched(audio: Path) -> Recording | None:
    labels = audio.parent.parent / "tsv" / "matched" / f"{audio.stem}.tsv"
    return Recording(audio, labels, *_named(audio.stem)) if labels.is_file() else None


def _musicnet(audio: Path) -> Recording | None:
    folder = audio.parent.name.replace("_data", "_labels")
    labels = audio.parent.parent / folder / f"{audio.stem}.csv"
    if folder == audio.parent.name or not labels.is_file():
        return None
    work = _musicnet_works(audio.parent.parent).get(audio.stem, audio.stem)
    return Recording(audio, labels, work, f"musicnet-{audio.stem}")


def _guitarset(audio: Path) -> Recording | None:
    """``00_BN1-129-Eb_comp_mic``: player, excerpt, comp or solo, and the microphone."""
    performance = audio.stem.removesuffix("_hex_cln").rpartition("_")[0]
    folder = audio.parent.parent / "annotation"
    for stem in (performance, audio.stem.removesuffix("_hex_cln")):
        if (labels := folder / f"{stem}.jams").is_file():
            player, _, excerpt = stem.partition("_")
            return Recording(audio, labels, excerpt.rpartition("_")[0], f"guitarset-{player}")
    return None


def _named(stem: str) -> tuple[str, str]:
    """Title and instrument of ``<title>_<instrument>``, as MAPS names its files."""
    title, _, instrument = stem.removeprefix("MAPS_MUS-").rpartition("_")
    return title or instrument, instrument


def _maestro_works(audio: Path) -> dict[str, str]:
    tables = sorted(audio.parent.parent.glob("maestro-*.csv"))
    parts = "audio_filename", "canonical_composer", "canonical_title"
    return _works(tables[-1], *parts) if tables else {}


def _musicnet_works(folder: Path) -> dict[str, str]:
    tables = sorted(folder.glob("*_metadata.csv"))
    return _works(tables[-1], "id", "composer", "composition", "movement") if tables else {}


@cache
def _works(table: Path, key: str, *parts: str) -> dict[str, str]:
    """The work that each file plays; a file is known by the last part of its path."""
    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {Path(row[key]).name: " ".join(row[part].strip() for part in parts) for row in rows}
