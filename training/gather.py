"""Gather what a model learns from: public repositories, copied into shape, and renders of them.

A list (training/sources.yaml) says which files of which repository become what; whatever is there
already stays, so that a run that was stopped goes on.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field
from rich.progress import track

from ..streaming.contracts import NotewireError
from .exercises import write_exercises
from .instruments import midi_name, open_instrument
from .midi_notes import midi_files
from .pedalling import write_pedals
from .recordings import audio_files, find_recordings
from .render import render_folder


class Listed(BaseModel):
    """Frozen, and a key it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Copy(Listed):
    """Files of a repository and their place below the output folder."""

    repository: str = Field(description="owner/name")
    files: str = Field(description="regular expression that matches a whole path in it")
    leave: str = Field(default="^$", description="paths that contain this are left out")
    to: str = Field(description="new path, from the expression's groups; {note} names group `midi`")


class Render(Listed):
    """A run of training/render.py."""

    instrument: Path = Field(description="samples or sound font, below the output folder or not")
    midi: Path = Field(description="folder of MIDI files, below the output folder")
    to: Path
    hours: float
    seed: int
    middle_c: int = 4
    layers: list[str] | None = None
    programs: list[int] = [0]
    keys: tuple[int, int] = (0, 127)
    track: str = ""
    piano: bool = Field(default=False, description="labels tell keys and pedal apart")
    varied: bool = Field(default=False, description="every piece on another piano")


class Exercises(Listed):
    """A run of training/exercises.py."""

    to: Path
    pieces: int
    seed: int


class Pedals(Listed):
    """A run of training/pedalling.py."""

    midi: Path = Field(description="folder of MIDI files, below the output folder")
    recordings: Path = Field(description="below the output folder")


class Heard(Listed):
    """Recordings without labels, and another program that writes their notes down."""

    recordings: Path = Field(description="below the output folder")
    command: list[str] = Field(description="run for each, with {audio} and {notes}, a MIDI file")


class Sources(Listed):
    """Everything that one model learns from."""

    url: str = Field(default="https://github.com/{}.git", description="of a repository")
    copies: list[Copy]
    exercises: list[Exercises] = []
    renders: list[Render]
    pedals: list[Pedals] = []
    heard: list[Heard] = []


def gather(sources: Sources, out: Path) -> None:
    """Clone, copy and render into ``out``. Raises NotewireError for what cannot be had."""
    for copy in sources.copies:
        clone = _clone(sources.url.format(copy.repository), out / "clones" / copy.repository)
        _copy(clone, copy, out)
    for each in sources.exercises:
        write_exercises(out / each.to, each.pieces, each.seed)
    for job in sources.renders:
        _render(job, out)
    for each in sources.pedals:
        _pedal(each, out)
    for each in sources.heard:
        _hear(each, out)


def _clone(url: str, folder: Path) -> Path:
    """The newest state of a repository; one that is there already is taken as it is."""
    if not folder.exists():
        print(f"Cloning {url}")
        unfinished = folder.with_name(folder.name + ".part")
        shutil.rmtree(unfinished, ignore_errors=True)
        try:
            subprocess.run(["git", "clone", "-q", "--depth", "1", url, unfinished], check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise NotewireError(f"{url}: cannot be cloned ({error})") from error
        unfinished.rename(folder)
    return folder


def _copy(clone: Path, copy: Copy, out: Path) -> None:
    """Raises NotewireError where nothing matches: the repository is not what it was."""
    paths = {str(p.relative_to(clone)): p for p in sorted(clone.rglob("*")) if p.is_file()}
    found = [(p, m) for name, p in paths.items() if (m := re.fullmatch(copy.files, name))]
    found = [(p, m) for p, m in found if not re.search(copy.leave, m[0])]
    if not found:
        raise NotewireError(f"{copy.repository}: no file matches {copy.files}")
    for path, match in track(found, f"Copying from {copy.repository}"):
        target = out / _named(copy.to, match)
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            shutil.copyfile(path, target)


def _named(template: str, match: re.Match[str]) -> str:
    """The template with the groups in it, folders within a group joined by two underscores."""
    groups = {key: (value or "").replace("/", "__") for key, value in match.groupdict().items()}
    if "midi" in groups:
        groups["note"] = midi_name(int(groups["midi"]))
    return template.format(**groups)


def _render(job: Render, out: Path) -> None:
    if (out / job.to).exists():
        return
    unfinished = out / "unfinished" / job.to.name
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    midis = midi_files(out / job.midi)
    samples = out / job.instrument
    instrument = open_instrument(samples, job.middle_c, job.layers, job.programs, job.varied)
    how = (job.keys, job.track, job.piano, job.varied)
    render_folder(midis, instrument, unfinished, job.hours, job.seed, *how)
    (out / job.to).parent.mkdir(parents=True, exist_ok=True)
    unfinished.rename(out / job.to)


def _pedal(job: Pedals, out: Path) -> None:
    """Raises NotewireError where no recording has a pedal afterwards."""
    recordings = find_recordings([out / job.recordings])
    write_pedals(out / job.midi, recordings)
    if all(each.pedals() is None for each in recordings):
        raise NotewireError(f"{out / job.midi}: plays none of the titles in {out / job.recordings}")


def _hear(job: Heard, out: Path) -> None:
    """Raises NotewireError where the program is missing or fails."""
    for audio in track(audio_files(out / job.recordings), "Listening to recordings"):
        notes, unfinished = audio.with_suffix(".mid"), audio.with_suffix(".part")
        if notes.exists():
            continue
        command = [word.format(audio=audio, notes=unfinished) for word in job.command]
        try:
            subprocess.run(command, check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise NotewireError(f"{audio}: its notes cannot be written down ({error})") from error
        unfinished.rename(notes)
